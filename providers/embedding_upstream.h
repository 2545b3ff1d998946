#pragma once
// Embeddings from a provider that has an API of its own for them. Internal to providers/.
#include <memory>

#include "providers/embedding.h"
#include "providers/upstream.h"

namespace tollgate::providers {

// One call of the caller's, as many of the provider's as its API needs, several at a time. Everything but the request
// must outlive the stream.
// REQUIRES: dialect.embeddings, and front_end(request.call->api).embeds
std::unique_ptr<EventStream> embedding_stream(const ProviderDialect& dialect, const ProviderOptions& options,
                                              std::shared_ptr<Authorizer> authorizer, Transport& transport,
                                              const AttemptRequest& request);

}  // namespace tollgate::providers
