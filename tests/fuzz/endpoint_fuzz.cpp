// An address is refused, or it is one that cannot break a request line and says again what was said.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/endpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::providers;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto endpoint = parse_endpoint(text, PlainHttp::allowed);
  if (!endpoint) return 0;
  for (const char c : endpoint->host + endpoint->base_path)
    if (c <= ' ' || c >= 0x7f) std::abort();
  const std::string again = (endpoint->tls ? "https://" : "http://") + endpoint->authority() + endpoint->base_path;
  const auto second = parse_endpoint(again, PlainHttp::allowed);
  if (!second || second->host != endpoint->host || second->port != endpoint->port) std::abort();
  if (second->base_path != endpoint->base_path) std::abort();
  return 0;
}
