// Whatever comes in: decode_messages_request refuses it, or its index lies inside it, its edits give a good request,
// and every provider's dialect refuses the canonical form or writes a body that another parser reads.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "providers/dialect.h"
#include "providers/messages_request.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void check_dialect(const ProviderDialect& dialect, const std::string& body, const std::string& model) {
  auto request = canonicalise_messages(body);
  if (!request) return;
  DialectTarget target;
  target.model = model;
  target.stream = true;
  const auto call = dialect.encode(std::move(*request), target);
  if (!call) return;
  try {
    require(nlohmann::json::parse(call->body).is_object(), "the provider's request is an object");
  } catch (const nlohmann::json::out_of_range&) {  // a number that is JSON, but more than that parser can hold
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  const auto call = decode_messages_request(body, {});
  if (!call) return 0;
  std::uint32_t after = 0;
  for (const auto& field : call->index.texts) {
    require(field.span.end() <= body->size(), "a text lies in the body");
    require(field.span.offset > after, "texts are in order");
    after = field.span.end();
  }
  const auto edited = std::make_shared<const std::string>(splice(*body, upstream_edits(*call, "other\"")));
  const auto again = decode_messages_request(edited, {});
  require(again.ok() && again->index.model_name == "other\"", "the edited request is one");
  require(again->index.texts.size() == call->index.texts.size(), "it has the same texts");
  require(decode_count_tokens_request(body, {}).ok(), "what can be answered can be counted");
  check_dialect(kAnthropicDialect, *body, "claude-sonnet-4-5");
  check_dialect(kBedrockDialect, *body, "anthropic.claude-3-7-sonnet-20250219-v1:0");
  check_dialect(kChatDialect, *body, "gpt");
  check_dialect(kGeminiDialect, *body, "gemini-3-pro-preview");
  return 0;
}
