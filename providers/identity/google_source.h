#pragma once
// Private to providers/identity: tokens from Google.
#include "providers/identity/fetcher.h"

namespace tollgate::providers {

// `identity` outlives the fetch.
net::Task<Result<Credential>> google_token(const GoogleIdentity& identity, Fetcher& fetcher);

}  // namespace tollgate::providers
