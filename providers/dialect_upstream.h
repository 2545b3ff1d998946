#pragma once
// A provider whose dialect is not the caller's.
#include <memory>

#include "providers/authorizer.h"
#include "providers/dialect.h"
#include "providers/upstream.h"

namespace tollgate::providers {

// What a provider's fixed key is sent by.
std::shared_ptr<Authorizer> key_authorizer(const ProviderOptions& options);

// `dialect` and `transport` must outlive the upstream and its streams; the authorizer is shared with them.
std::unique_ptr<Upstream> dialect_upstream(const ProviderDialect& dialect, ProviderOptions options,
                                           std::shared_ptr<Authorizer> authorizer, Transport& transport);

}  // namespace tollgate::providers
