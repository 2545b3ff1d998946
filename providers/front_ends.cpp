// The table of APIs that clients may call.
#include "providers/chat_encoder.h"
#include "providers/completions.h"
#include "providers/converse_call.h"
#include "providers/embedding.h"
#include "providers/event_stream.h"
#include "providers/front_end.h"
#include "providers/gemini_call.h"
#include "providers/messages_encoder.h"
#include "providers/messages_request.h"
#include "providers/relay.h"
#include "providers/responses.h"
#include "providers/responses_encoder.h"

namespace tollgate::providers {
namespace {

template <class Encoder>
std::unique_ptr<ClientEncoder> make(EncoderOptions options) {
  return std::make_unique<Encoder>(std::move(options));
}

std::unique_ptr<ClientEncoder> input_tokens_encoder(EncoderOptions /*options*/) {
  return std::make_unique<CountEncoder>("input_tokens");
}
std::unique_ptr<ClientEncoder> total_tokens_encoder(EncoderOptions /*options*/) {
  return std::make_unique<CountEncoder>("totalTokens");
}

std::string openai_error(const Error& error, std::string_view) { return encode_error_body(error); }

constexpr FrontEnd kEmbeddings{.id_prefix = "embd-",
                               .decode = decode_embeddings_request,
                               .canonicalise = nullptr,
                               .encoder = embeddings_encoder,
                               .error_body = openai_error,
                               .embeds = read_embeddings};
constexpr FrontEnd kChat{"chatcmpl-", decode_chat_request, canonicalise, make<ChatEncoder>, openai_error};

// Which version of the API, and which of its experiments.
constexpr std::string_view kAnthropicHeaders[] = {"anthropic-version", "anthropic-beta"};
constexpr FrontEnd kMessages{
    "msg_",       decode_messages_request, canonicalise_messages, make<MessagesEncoder>, encode_messages_error,
    "request-id", kAnthropicHeaders};
constexpr FrontEnd kCountTokens{.id_prefix = "msg_",
                                .decode = decode_count_tokens_request,
                                .canonicalise = canonicalise_messages,
                                .encoder = input_tokens_encoder,
                                .error_body = encode_messages_error,
                                .request_id_header = "request-id",
                                .forwarded_headers = kAnthropicHeaders,
                                .generates = false};
constexpr FrontEnd kResponses{"resp_", decode_responses_request, canonicalise_responses, make<ResponsesEncoder>,
                              openai_error};

constexpr FrontEnd kCompletions{"cmpl-", decode_completions_request, canonicalise_completions, completions_encoder,
                                openai_error};

constexpr FrontEnd kGemini{"", decode_gemini_call, canonicalise_gemini, gemini_encoder, encode_gemini_error};
constexpr FrontEnd kGeminiArray{.id_prefix = "",
                                .decode = decode_gemini_array_call,
                                .canonicalise = canonicalise_gemini,
                                .encoder = gemini_array_encoder,
                                .error_body = encode_gemini_error,
                                .stream_type = "application/json; charset=utf-8"};
constexpr FrontEnd gemini_embed_api(Result<Call> (*decode)(std::shared_ptr<const std::string>, std::string)) {
  return {.id_prefix = "",
          .decode = decode,
          .canonicalise = nullptr,
          .encoder = gemini_embed_encoder,
          .error_body = encode_gemini_error,
          .embeds = read_gemini_embed};
}
constexpr FrontEnd kGeminiEmbed = gemini_embed_api(decode_gemini_embed_call);
constexpr FrontEnd kGeminiEmbedBatch = gemini_embed_api(decode_gemini_embed_batch_call);
constexpr FrontEnd kGeminiCount{.id_prefix = "",
                                .decode = decode_gemini_count_call,
                                .canonicalise = canonicalise_gemini,
                                .encoder = total_tokens_encoder,
                                .error_body = encode_gemini_error,
                                .generates = false};

constexpr FrontEnd kConverse{.id_prefix = "",
                             .decode = decode_converse_call,
                             .canonicalise = canonicalise_converse,
                             .encoder = converse_encoder,
                             .error_body = encode_converse_error,
                             .request_id_header = "x-amzn-requestid",
                             .stream_type = kEventStream,
                             .error_type = converse_error_type};

constexpr FrontEnd kModerations{"modr-", decode_moderations_request, nullptr, relay_encoder, openai_error};
constexpr FrontEnd kRerank{"rerank-", decode_rerank_request, nullptr, relay_encoder, openai_error};
constexpr FrontEnd kImages{"img-", decode_images_request, nullptr, relay_encoder, openai_error};
constexpr FrontEnd kSpeech{"speech-", decode_speech_request, nullptr, relay_encoder, openai_error};

constexpr std::string_view kOneFile[] = {"file"};
constexpr std::string_view kPictures[] = {"image", "image[]", "mask"};
constexpr FormRules kTranscriptForm{.files = kOneFile, .streams = true};
constexpr FormRules kSoundForm{kOneFile};
constexpr FormRules kPictureForm{kPictures};

constexpr FrontEnd form_api(std::string_view id_prefix, const FormRules& rules,
                            std::unique_ptr<ClientEncoder> (*encoder)(EncoderOptions) = relay_encoder) {
  FrontEnd out{id_prefix, nullptr, nullptr, encoder, openai_error};
  out.form = &rules;
  return out;
}
constexpr FrontEnd kTranscriptions = form_api("transcr-", kTranscriptForm, transcript_encoder);
constexpr FrontEnd kTranslations = form_api("transl-", kSoundForm);
constexpr FrontEnd kImageEdits = form_api("img-", kPictureForm);
constexpr FrontEnd kImageVariations = form_api("img-", kPictureForm);
constexpr FormRules kBatchForm{.files = kOneFile, .calls = true};
constexpr FrontEnd kFiles = form_api("file-", kBatchForm);
constexpr FrontEnd kKept{"", nullptr, nullptr, relay_encoder, openai_error};

}  // namespace

const FrontEnd& front_end(Api api) {
  switch (api) {
    case Api::messages:
      return kMessages;
    case Api::count_tokens:
      return kCountTokens;
    case Api::embeddings:
      return kEmbeddings;
    case Api::completions:
      return kCompletions;
    case Api::chat:
      break;
    case Api::responses:
      return kResponses;
    case Api::moderations:
      return kModerations;
    case Api::rerank:
      return kRerank;
    case Api::images:
      return kImages;
    case Api::speech:
      return kSpeech;
    case Api::gemini:
      return kGemini;
    case Api::gemini_array:
      return kGeminiArray;
    case Api::gemini_count:
      return kGeminiCount;
    case Api::gemini_embed:
      return kGeminiEmbed;
    case Api::gemini_embed_batch:
      return kGeminiEmbedBatch;
    case Api::converse:
      return kConverse;
    case Api::transcriptions:
      return kTranscriptions;
    case Api::translations:
      return kTranslations;
    case Api::image_edits:
      return kImageEdits;
    case Api::image_variations:
      return kImageVariations;
    case Api::files:
      return kFiles;
    case Api::file_content:
    case Api::batches:
      return kKept;
  }
  return kChat;
}

}  // namespace tollgate::providers
