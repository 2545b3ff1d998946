// The table of APIs that clients may call.
#include "providers/chat_encoder.h"
#include "providers/front_end.h"

namespace tollgate::providers {
namespace {

template <class Encoder>
std::unique_ptr<ClientEncoder> make(EncoderOptions options) {
  return std::make_unique<Encoder>(std::move(options));
}

constexpr FrontEnd kChat{"chatcmpl-", decode_chat_request, canonicalise, make<ChatEncoder>, encode_error_body};

}  // namespace

const FrontEnd& front_end(Api api) {
  switch (api) {
    case Api::chat:
    case Api::completions:
    case Api::embeddings:
    case Api::responses:
    case Api::messages:
      break;
  }
  return kChat;
}

}  // namespace tollgate::providers
