#pragma once
// A provider that speaks the caller's API. Internal to providers/.
#include <memory>

#include "providers/native_api.h"

namespace tollgate::providers {

// One call, spliced. `api` and `transport` must outlive the stream; the authorizer is shared with it.
std::unique_ptr<EventStream> native_stream(const NativeApi& api, const ProviderOptions& options,
                                           std::shared_ptr<Authorizer> authorizer, Transport& transport,
                                           AttemptRequest request);

}  // namespace tollgate::providers
