// Whatever comes in: decode_messages_request refuses it, or its index lies inside it, its edits give a good request,
// and every provider's dialect refuses the canonical form or writes a body that another parser reads.
#include <cstdint>
#include <memory>
#include <string>

#include "providers/dialect.h"
#include "providers/messages_request.h"
#include "tests/fuzz/request_checks.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  const auto call = decode_messages_request(body, {});
  if (!call) return 0;
  fuzz::check_texts(*call, *body);
  const auto edited = std::make_shared<const std::string>(splice(*body, upstream_edits(*call, "other\"")));
  const auto again = decode_messages_request(edited, {});
  require(again.ok() && again->index.model_name == "other\"", "the edited request is one");
  require(again->index.texts.size() == call->index.texts.size(), "it has the same texts");
  require(decode_count_tokens_request(body, {}).ok(), "what can be answered can be counted");
  fuzz::check_dialects([&] { return canonicalise_messages(*body); });
  return 0;
}
