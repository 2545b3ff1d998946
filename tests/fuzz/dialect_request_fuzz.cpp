// Whatever request is accepted, every dialect refuses it or writes a body that another parser reads.
#include <cstdint>
#include <string>

#include "providers/completions.h"
#include "tests/fuzz/request_checks.h"

using namespace tollgate::providers;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  if (decode_completions_request(body, {}))
    fuzz::check_dialect(kChatDialect, "gpt-4o", [&] { return canonicalise_completions(*body); });
  if (!decode_chat_request(body)) return 0;
  const auto request = canonicalise(*body);
  const auto check = [&](const ProviderDialect& dialect, const char* model) {
    fuzz::check_dialect(dialect, model, [&] { return request; });
  };
  for (const char* model : {"claude-3-5-sonnet-20241022", "claude-sonnet-4-5", "claude-opus-4-6"})
    check(kAnthropicDialect, model);
  for (const char* model : {"anthropic.claude-3-haiku-20240307-v1:0", "eu.anthropic.claude-opus-4-6-v1", "nova-2-lite"})
    check(kBedrockDialect, model);
  for (const char* model : {"gemini-2.5-flash", "gemini-3-pro-preview", "endpoints/1"}) check(kGeminiDialect, model);
  check(kChatDialect, "gpt-4o");
  check(kSageMakerDialect, "endpoint");
  check(kVertexMistralDialect, "mistral-large@001");
  check(kGenerateDialect, "llama");
  return 0;
}
