// A head that claims to come from a replica of the gateway: who is believed is written again as it was read.
#include <cstdint>
#include <string_view>

#include "providers/pool_caller.h"
#include "tests/fuzz/require.h"

using namespace tollgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto head = net::guard({reinterpret_cast<const char*>(data), size}, net::HttpLimits());
  if (!head) return 0;
  const auto read = providers::read_pool_headers(*head);
  if (!read) {
    require(read.error().kind == ErrorKind::invalid_request, "a refusal is the caller's");
    return 0;
  }
  net::HeadFacts again;
  again.headers = providers::pool_headers(read->caller, false);
  for (const auto& header : again.headers) {
    require(!header.value.empty() && header.value.size() <= 64, "a name is short");
    require(header.value == head->header(header.name), "nothing is read into it");
  }
  again.headers.push_back({"x-request-id", read->request_id.to_string()});
  require(providers::read_pool_headers(again).ok(), "what was taken is taken again");
  return 0;
}
