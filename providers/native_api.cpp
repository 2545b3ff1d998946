// The table of what providers speak themselves.
#include "providers/native_api.h"

#include <algorithm>

#include "providers/embedding.h"
#include "providers/identity/url_text.h"
#include "providers/responses.h"

namespace tollgate::providers {
namespace {

Error decode_openai_error(const ErrorAnswer& answer) {
  return decode_error_reply(answer.status, answer.body, answer.retry_after_ms, answer.retry_after, answer.date);
}

constexpr NativeApi kChat{"/chat/completions", decode_chat_event, decode_chat_response, decode_openai_error};

constexpr NativeApi kCompletions{"/completions", decode_chat_event, decode_chat_response, decode_openai_error};

constexpr NativeApi kEmbeddings{"/embeddings", nullptr, decode_embeddings_response, decode_openai_error};

constexpr NativeApi kResponses{"/responses", decode_responses_event, decode_responses_body, decode_openai_error, false};

const NativeApi* openai_api(Api api) {
  if (api == Api::chat) return &kChat;
  if (api == Api::completions) return &kCompletions;
  if (api == Api::responses) return &kResponses;
  return api == Api::embeddings ? &kEmbeddings : nullptr;
}

}  // namespace

const NativeApi* native_api(const ProviderOptions& options, Api api) {
  const bool openai = options.kind == "openai_compatible" || options.kind == "azure_openai";
  const bool spoken = std::find(options.apis.begin(), options.apis.end(), api) != options.apis.end();
  return openai && spoken ? openai_api(api) : nullptr;
}

std::string operation_path(std::string_view operation, std::string_view model, std::string_view api_version) {
  if (api_version.empty()) return std::string(operation);
  std::string path = model.empty() ? "" : "/deployments/" + url_encode(model);
  path += operation;
  path += "?api-version=";
  return path += api_version;
}

}  // namespace tollgate::providers
