// The table of dialects.
#include "providers/anthropic.h"
#include "providers/bedrock.h"
#include "providers/dialect.h"
#include "providers/gemini.h"
#include "providers/openai_chat.h"

namespace tollgate::providers {

constinit const ProviderDialect kAnthropicDialect{encode_anthropic_request, anthropic_decoder, decode_anthropic_error};
constinit const ProviderDialect kBedrockDialect{encode_converse_request, converse_decoder, decode_bedrock_error};
constinit const ProviderDialect kChatDialect{encode_chat_request, chat_decoder, decode_chat_error};
constinit const ProviderDialect kGeminiDialect{encode_gemini_request, gemini_decoder, decode_gemini_error};

const ProviderDialect* dialect_of(std::string_view kind, std::string_view base_path) {
  if (kind == "anthropic") return &kAnthropicDialect;
  if (kind == "bedrock") return &kBedrockDialect;
  if (kind == "vertex") return base_path.ends_with("/publishers/anthropic") ? &kVertexClaudeDialect : &kGeminiDialect;
  return kind == "openai_compatible" || kind == "azure_openai" ? &kChatDialect : nullptr;
}

}  // namespace tollgate::providers
