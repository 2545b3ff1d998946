// Whatever request is accepted, every dialect refuses it or writes a body that another parser reads.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "providers/completions.h"
#include "providers/dialect.h"

using namespace tollgate::providers;
using tollgate::Result;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void check(const ProviderDialect& dialect, Result<CanonicalRequest> request, const std::string& model, bool stream) {
  if (!request) return;
  DialectTarget target;
  target.model = model;
  target.stream = stream;
  const auto call = dialect.encode(std::move(*request), target);
  if (!call) return;
  require(call->path.starts_with('/') && call->path.find_first_of(" \r\n") == std::string::npos);
  try {
    require(nlohmann::json::parse(call->body).is_object());
  } catch (const nlohmann::json::out_of_range&) {  // a number that is JSON, but more than that parser can hold
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  if (decode_completions_request(body, {})) check(kChatDialect, canonicalise_completions(*body), "gpt-4o", false);
  if (!decode_chat_request(body)) return 0;
  const auto request = canonicalise(*body);
  for (const char* model : {"claude-3-5-sonnet-20241022", "claude-sonnet-4-5", "claude-opus-4-6"})
    check(kAnthropicDialect, request, model, true);
  for (const char* model : {"anthropic.claude-3-haiku-20240307-v1:0", "eu.anthropic.claude-opus-4-6-v1", "nova-2-lite"})
    check(kBedrockDialect, request, model, true);
  for (const char* model : {"gemini-2.5-flash", "gemini-3-pro-preview", "endpoints/1"})
    check(kGeminiDialect, request, model, true);
  check(kChatDialect, request, "gpt-4o", true);
  check(kSageMakerDialect, request, "endpoint", true);
  check(kVertexMistralDialect, request, "mistral-large@001", true);
  check(kGenerateDialect, request, "llama", true);
  return 0;
}
