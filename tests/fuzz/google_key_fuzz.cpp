// Any text as Google's credentials file: a key whose URLs can be asked, or an error that quotes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/identity/google_key.h"
#include "providers/identity/token_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate;
  using namespace tollgate::providers;
  const Secret text(std::string(reinterpret_cast<const char*>(data), size));
  const auto key = parse_google_key(text);
  if (!key) {
    if (key.error().message.size() > 512) std::abort();
    return 0;
  }
  const auto asked = std::visit([](const auto& account) { return parse_token_url(account.token_url); }, *key);
  if (!asked) std::abort();
  const auto* external = std::get_if<GoogleExternalAccount>(&*key);
  if (external != nullptr && external->file.empty() == external->url.empty()) std::abort();
  return 0;
}
