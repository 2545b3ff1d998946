// Whatever comes in: decode_responses_request refuses it, or its index lies inside it, its edits give a good request,
// and every dialect refuses it or writes a body that another parser reads.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "providers/dialect.h"
#include "providers/responses.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

// A number such as 1e400 is JSON, but more than that parser can hold.
bool too_large(const nlohmann::json::out_of_range& e) { return e.id == 406; }

void check_sent(const ProviderDialect& dialect, const std::string& body, const char* model) {
  auto request = canonicalise_responses(body);
  if (!request) return;
  DialectTarget target;
  target.model = model;
  target.stream = true;
  const auto call = dialect.encode(std::move(*request), target);
  if (!call) return;
  try {
    require(nlohmann::json::parse(call->body).is_object(), "a request is one JSON object");
  } catch (const nlohmann::json::out_of_range& e) {
    require(too_large(e), "a request is JSON");
  }
}

void check_edits(const std::string& body, const Call& call) {
  const std::string edited = splice(body, upstream_edits(call, "other/\"model\""));
  const auto again = decode_responses_request(std::make_shared<const std::string>(edited));
  require(again.ok(), "an edited request is a request");
  require(again->index.model_name == "other/\"model\"", "the target's model is named");
  require(again->index.texts.size() == call.index.texts.size(), "texts stay");
  require(again->index.store.has_value(), "nothing is stored");
  const auto store = std::string_view(edited).substr(again->index.store->offset, again->index.store->length);
  require(store == "false", "nothing is stored");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  const auto call = decode_responses_request(body);
  if (!call) return 0;
  for (const auto& field : call->index.texts) {
    require(field.span.end() <= body->size(), "spans lie inside");
    const std::string text = unescape_json(std::string_view(*body).substr(field.span.offset, field.span.length));
    require(field.has_escapes || text.size() == field.span.length, "a text without escapes is its bytes");
  }
  check_edits(*body, *call);
  check_sent(kChatDialect, *body, "gpt-4o");
  check_sent(kAnthropicDialect, *body, "claude-sonnet-4-5");
  check_sent(kBedrockDialect, *body, "eu.anthropic.claude-opus-4-6-v1");
  check_sent(kGeminiDialect, *body, "gemini-3-pro-preview");
  return 0;
}
