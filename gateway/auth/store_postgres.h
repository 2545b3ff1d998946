#pragma once
// The credential store of a fleet. Private to this folder.
#include <memory>
#include <string>

#include "gateway/auth/store.h"

namespace tollgate::auth {

// Connects at the first call and after every failure. A server that cannot be reached costs a call at most about three
// seconds; one that accepts and then stays silent holds it until interrupt().
std::unique_ptr<CredentialStore> open_postgres_store(const std::string& url, std::shared_ptr<const Secret> password);

// `url` with the password and our time limits added, in the form (URI or key=value) it has. For the tests.
Secret postgres_login(const std::string& url, std::string_view password);

}  // namespace tollgate::auth
