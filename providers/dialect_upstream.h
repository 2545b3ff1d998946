#pragma once
// A provider whose dialect is not the caller's.
#include <memory>

#include "providers/authorizer.h"
#include "providers/dialect.h"
#include "providers/upstream.h"

namespace tollgate::providers {

// One call, translated. `dialect` and `transport` must outlive the stream; the authorizer is shared with it.
std::unique_ptr<EventStream> dialect_stream(const ProviderDialect& dialect, const ProviderOptions& options,
                                            std::shared_ptr<Authorizer> authorizer, Transport& transport,
                                            const AttemptRequest& request);

}  // namespace tollgate::providers
