// The only file that knows utf8proc. Without TOLLGATE_LOCAL_UTF8PROC tokenizers with NFC are refused at load.
#include <algorithm>
#include <new>

#include "local_backend/text_steps.h"

#ifdef TOLLGATE_LOCAL_UTF8PROC
#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace tollgate::local_backend {

bool has_nfc() { return true; }

std::string nfc(const std::string& text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return text;
  utf8proc_uint8_t* composed = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  if (size == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (size < 0) return text;  // no valid UTF-8: not reached, callers check
  return {reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size)};
}

}  // namespace tollgate::local_backend
#else
namespace tollgate::local_backend {
bool has_nfc() { return false; }
std::string nfc(const std::string& text) { return text; }
}  // namespace tollgate::local_backend
#endif
