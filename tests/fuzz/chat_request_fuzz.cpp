// Whatever comes in: decode_chat_request refuses it, or its index lies inside it and its edits give a good request.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "providers/call.h"
#include "providers/canonical.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void check_text(const std::string& body, const TextField& field) {
  require(field.span.end() <= body.size());
  const auto raw = std::string_view(body).substr(field.span.offset, field.span.length);
  const std::string text = unescape_json(raw);
  require(field.has_escapes || text == raw);
  const auto offsets = raw_offsets(raw, {0, static_cast<std::uint32_t>(text.size())});
  require(offsets[0] == 0 && offsets[1] == raw.size());
  std::string escaped;
  append_json_escaped(escaped, text);
  require(unescape_json(escaped) == text);
}

// Another parser accepts it too (it throws, and so crashes, where it does not) and sees the same model.
void check_model(const std::string& body, const std::string& model) {
  try {
    require(nlohmann::json::parse(body).at("model") == model);
  } catch (const nlohmann::json::out_of_range& e) {
    if (e.id != 406) throw;  // a number such as 1e400: JSON, but more than that parser can hold
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  const auto call = decode_chat_request(body);
  if (!call) return 0;
  for (const auto& field : call->index.texts) check_text(*body, field);
  check_model(*body, call->index.model_name);
  (void)canonicalise(*body);
  const std::string edited = splice(*body, upstream_edits(*call, "other/\"model\""));
  const auto again = decode_chat_request(std::make_shared<const std::string>(edited));
  require(again.ok());
  require(again->index.model_name == "other/\"model\"");
  require(again->index.include_usage == again->index.stream);
  require(again->index.texts.size() == call->index.texts.size());
  return 0;
}
