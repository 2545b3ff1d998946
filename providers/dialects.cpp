// The table of dialects.
#include "providers/anthropic.h"
#include "providers/bedrock.h"
#include "providers/dialect.h"
#include "providers/gemini.h"
#include "providers/generate.h"
#include "providers/kinds.h"
#include "providers/openai_chat.h"

namespace tollgate::providers {

constinit const ProviderDialect kAnthropicDialect{encode_anthropic_request, anthropic_decoder, decode_anthropic_error};
constinit const ProviderDialect kBedrockDialect{encode_converse_request, converse_decoder, decode_bedrock_error,
                                                &kBedrockEmbeddings};
constinit const ProviderDialect kChatDialect{encode_chat_request, chat_decoder, decode_chat_error, &kOpenAiEmbeddings};
constinit const ProviderDialect kGeminiDialect{encode_gemini_request, gemini_decoder, decode_gemini_error,
                                               &kGeminiEmbeddings};
constinit const ProviderDialect kGenerateDialect{encode_generate_request, generate_decoder, decode_chat_error};

namespace {

// What stands at the end of an endpoint on Vertex AI says whose models it has.
const ProviderDialect& vertex_dialect(std::string_view base_path) {
  if (base_path.ends_with("/publishers/anthropic")) return kVertexClaudeDialect;
  return base_path.ends_with("/publishers/mistralai") ? kVertexMistralDialect : kGeminiDialect;
}

}  // namespace

const ProviderDialect* dialect_of(std::string_view kind, std::string_view base_path) {
  if (kind == "anthropic") return &kAnthropicDialect;
  if (kind == "bedrock") return &kBedrockDialect;
  if (kind == "sagemaker") return &kSageMakerDialect;
  if (kind == "vertex") return &vertex_dialect(base_path);
  if (kind == "open_inference") return &kGenerateDialect;
  return speaks_openai(kind) ? &kChatDialect : nullptr;
}

}  // namespace tollgate::providers
