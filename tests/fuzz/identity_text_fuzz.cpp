// The text helpers below signatures and forms: encoding is undone by decoding, what is canonical stays so, and a URL
// that was taken can stand on a request line.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/identity/sigv4.h"
#include "providers/identity/token_url.h"
#include "providers/identity/url_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::providers;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (url_decode(url_encode(text)) != text) std::abort();
  const auto query = canonical_query(text);
  if (canonical_query(query) != query) std::abort();
  const auto path = canonical_path(text, true);
  if (!path.starts_with('/') || path.find("//") != std::string::npos || path.find("/../") != std::string::npos)
    std::abort();
  if (const auto time = parse_rfc3339(text); time && amz_date(*time).size() != 16) std::abort();
  if (const auto url = parse_token_url(text)) {
    if (!is_token_text(url->path) || !url->path.starts_with('/') || url->endpoint.host.empty()) std::abort();
  }
  return 0;
}
