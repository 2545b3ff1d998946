// The table of APIs that clients may call.
#include "providers/chat_encoder.h"
#include "providers/completions.h"
#include "providers/embedding.h"
#include "providers/front_end.h"
#include "providers/responses.h"
#include "providers/responses_encoder.h"

namespace tollgate::providers {
namespace {

template <class Encoder>
std::unique_ptr<ClientEncoder> make(EncoderOptions options) {
  return std::make_unique<Encoder>(std::move(options));
}

constexpr FrontEnd kEmbeddings{"embd-", decode_embeddings_request, nullptr, embeddings_encoder, encode_error_body};
constexpr FrontEnd kChat{"chatcmpl-", decode_chat_request, canonicalise, make<ChatEncoder>, encode_error_body};

constexpr FrontEnd kCompletions{"cmpl-", decode_completions_request, canonicalise_completions, completions_encoder,
                                encode_error_body};
constexpr FrontEnd kResponses{"resp_", decode_responses_request, canonicalise_responses, make<ResponsesEncoder>,
                              encode_error_body};

}  // namespace

const FrontEnd& front_end(Api api) {
  if (api == Api::completions) return kCompletions;
  if (api == Api::responses) return kResponses;
  return api == Api::embeddings ? kEmbeddings : kChat;
}

}  // namespace tollgate::providers
