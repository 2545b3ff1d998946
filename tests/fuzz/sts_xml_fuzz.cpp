// Whatever STS answers: complete credentials fit for headers, or an error; an error code is a plain word.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/identity/sts_xml.h"
#include "providers/identity/url_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::providers;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto keys = parse_sts_credentials(text);
  if (keys) {
    const bool fit = is_token_text(keys->access_key_id) && is_token_text(keys->secret.reveal()) &&
                     is_token_text(keys->session_token.reveal()) && keys->expires_at.has_value();
    if (!fit) std::abort();
  }
  const auto code = parse_sts_error_code(text);
  if (!code.empty() && !is_word(code, ".")) std::abort();
  return 0;
}
