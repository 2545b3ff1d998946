#pragma once
// Private to providers/identity: tokens from Microsoft Entra.
#include "providers/identity/fetcher.h"

namespace tollgate::providers {

// `identity` outlives the fetch.
net::Task<Result<Credential>> entra_token(const EntraIdentity& identity, Fetcher& fetcher);

}  // namespace tollgate::providers
