// Whatever comes in: decode_responses_request refuses it, or its index lies inside it, its edits give a good request,
// and every dialect refuses it or writes a body that another parser reads.
#include <cstdint>
#include <memory>
#include <string>

#include "providers/responses.h"
#include "tests/fuzz/request_checks.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

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
  fuzz::check_texts(*call, *body);
  for (const auto& field : call->index.texts) {
    const std::string text = unescape_json(std::string_view(*body).substr(field.span.offset, field.span.length));
    require(field.has_escapes || text.size() == field.span.length, "a text without escapes is its bytes");
  }
  check_edits(*body, *call);
  fuzz::check_dialects([&] { return canonicalise_responses(*body); });
  return 0;
}
