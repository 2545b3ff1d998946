// The table of what providers speak themselves.
#include "providers/native_api.h"

#include <algorithm>

#include "providers/bedrock.h"
#include "providers/converse_event.h"
#include "providers/embedding.h"
#include "providers/event_stream.h"
#include "providers/front_end.h"
#include "providers/gemini.h"
#include "providers/gemini_event.h"
#include "providers/identity/url_text.h"
#include "providers/kinds.h"
#include "providers/messages_event.h"
#include "providers/relay.h"
#include "providers/responses.h"

namespace tollgate::providers {
namespace {

Error decode_openai_error(const ErrorAnswer& answer) {
  return decode_error_reply(answer.status, answer.body, answer.retry_after_ms, answer.retry_after, answer.date);
}

constexpr NativeApi kChat{"/chat/completions", decode_chat_event, decode_chat_response, decode_openai_error};

constexpr NativeApi kCompletions{"/completions", decode_chat_event, decode_chat_response, decode_openai_error};

constexpr NativeApi kEmbeddings{"/embeddings", nullptr, decode_embeddings_response, decode_openai_error};

constexpr NativeApi kResponses{"/responses", decode_responses_event, decode_responses_body, decode_openai_error, {},
                               false};

constexpr NativeApi kMessages{"/messages",
                              decode_messages_event,
                              decode_messages_response,
                              decode_messages_error,
                              {"anthropic-version", "2023-06-01"}};
constexpr NativeApi kCountTokens{"/messages/count_tokens",
                                 nullptr,
                                 decode_count_response,
                                 decode_messages_error,
                                 {"anthropic-version", "2023-06-01"}};

const NativeApi* anthropic_api(Api api) {
  if (api == Api::count_tokens) return &kCountTokens;
  return api == Api::messages ? &kMessages : nullptr;
}

std::string generate_path(std::string_view model, bool stream) {
  return gemini_path(model, stream ? "streamGenerateContent?alt=sse" : "generateContent");
}
std::string count_path(std::string_view model, bool /*stream*/) { return gemini_path(model, "countTokens"); }

// A call comes whole, with all its arguments, and so does a picture.
constexpr std::size_t kMaxGeminiFrame = std::size_t{16} * 1024 * 1024;

constexpr NativeApi kGemini{.operation = {},
                            .decode_event = decode_gemini_event,
                            .decode_body = decode_gemini_response,
                            .decode_error = decode_gemini_error,
                            .path = generate_path,
                            .max_frame = kMaxGeminiFrame};
constexpr NativeApi kGeminiCount{.operation = {},
                                 .decode_event = nullptr,
                                 .decode_body = decode_count_response,
                                 .decode_error = decode_gemini_error,
                                 .path = count_path};

constexpr NativeApi kConverse{.operation = {},
                              .decode_event = decode_converse_event,
                              .decode_body = decode_converse_response,
                              .decode_error = decode_bedrock_error,
                              .path = converse_path,
                              .stream_type = kEventStream};

const NativeApi* gemini_api(Api api) {
  if (api == Api::gemini_count) return &kGeminiCount;
  return api == Api::gemini || api == Api::gemini_array ? &kGemini : nullptr;
}

constexpr NativeApi kModerations{"/moderations", nullptr, decode_relayed_json, decode_openai_error};
constexpr NativeApi kRerank{"/rerank", nullptr, decode_relayed_json, decode_openai_error};
constexpr NativeApi kImages{"/images/generations", nullptr, decode_relayed_json, decode_openai_error};
constexpr NativeApi kSpeech{"/audio/speech", nullptr, decode_relayed_bytes, decode_openai_error};
constexpr NativeApi kTranscriptions{"/audio/transcriptions", decode_transcript_event, decode_transcript,
                                    decode_openai_error};
constexpr NativeApi kTranslations{"/audio/translations", nullptr, decode_transcript, decode_openai_error};
constexpr NativeApi kImageEdits{"/images/edits", nullptr, decode_relayed_json, decode_openai_error};
constexpr NativeApi kImageVariations{"/images/variations", nullptr, decode_relayed_json, decode_openai_error};

// Ids in a refusal are the provider's.
Error decode_kept_error(const ErrorAnswer& answer) {
  Error error = decode_openai_error(answer);
  if (error.kind != ErrorKind::not_found) return error;
  error.message = "There is no such file or batch: it may have been deleted, or have expired.";
  error.upstream_body.clear();
  return error;
}

constexpr NativeApi kFiles{"/files", nullptr, decode_kept_body, decode_kept_error, {}, false};
constexpr NativeApi kBatches{"/batches", nullptr, decode_kept_body, decode_kept_error, {}, false};
constexpr NativeApi kFileContent{.operation = "/files",
                                 .decode_event = nullptr,
                                 .decode_body = decode_relayed_bytes,
                                 .decode_error = decode_kept_error,
                                 .in_deployment = false,
                                 .in_pieces = true};

const NativeApi* openai_api(Api api) {
  switch (api) {
    case Api::chat:
      return &kChat;
    case Api::embeddings:
      return &kEmbeddings;
    case Api::messages:
    case Api::count_tokens:
      return anthropic_api(api);
    case Api::responses:
      return &kResponses;
    case Api::completions:
      return &kCompletions;
    case Api::moderations:
      return &kModerations;
    case Api::rerank:
      return &kRerank;
    case Api::images:
      return &kImages;
    case Api::speech:
      return &kSpeech;
    case Api::gemini:
    case Api::gemini_array:
    case Api::gemini_count:
    case Api::gemini_embed:
    case Api::gemini_embed_batch:
    case Api::converse:
      break;
    case Api::transcriptions:
      return &kTranscriptions;
    case Api::translations:
      return &kTranslations;
    case Api::image_edits:
      return &kImageEdits;
    case Api::image_variations:
      return &kImageVariations;
    case Api::files:
      return &kFiles;
    case Api::file_content:
      return &kFileContent;
    case Api::batches:
      return &kBatches;
  }
  return nullptr;
}

bool lists(const ProviderOptions& options, Api api) {
  return std::find(options.apis.begin(), options.apis.end(), api) != options.apis.end();
}

}  // namespace

const EmbeddingDialect* embeddings_of(const ProviderOptions& options) {
  const ProviderDialect* dialect = dialect_of(options.kind, options.endpoint ? options.endpoint->base_path : "");
  const bool has_them = !speaks_openai(options.kind) || lists(options, Api::embeddings);
  return dialect != nullptr && has_them ? dialect->embeddings : nullptr;
}

const NativeApi* native_api(const ProviderOptions& options, Api api) {
  if (options.kind == "anthropic") return anthropic_api(api);
  if (options.kind == "bedrock") return api == Api::converse ? &kConverse : nullptr;
  if (dialect_of(options.kind, options.endpoint ? options.endpoint->base_path : "") == &kGeminiDialect)
    return gemini_api(api);
  if (api == Api::chat && options.quirks.respells()) return nullptr;
  const bool kept = api == Api::files || api == Api::file_content;  // for batches, and for nothing else
  const bool spoken = lists(options, kept ? Api::batches : api);
  const bool carried = !options.use_curl || front_end(api).form == nullptr;  // curl_transport streams no bodies
  return speaks_openai(options.kind) && spoken && carried ? openai_api(api) : nullptr;
}

std::string operation_path(std::string_view operation, std::string_view model, std::string_view api_version) {
  if (api_version.empty()) return std::string(operation);
  std::string path = model.empty() ? "" : "/deployments/" + url_encode(model);
  path += operation;
  path += "?api-version=";
  return path += api_version;
}

}  // namespace tollgate::providers
