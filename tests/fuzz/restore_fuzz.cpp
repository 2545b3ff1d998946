// Differential: the same text in one piece and in pieces of the sizes that the first bytes say.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pii/pii.h"

namespace {

using namespace tollgate;
using namespace tollgate::pii;

const RestoreMap& tokens() {
  static const RestoreMap map = [] {
    RestoreMap out;
    out.add("TgxEM" + std::string(20, 'a'), "jane@example.com");
    out.add("TgxEM" + std::string(19, 'a') + "b", "two\nlines \"quoted\"");
    out.add("TgxPH23456789abcdefghijkm", "+49 30 901820");
    return out;
  }();
  return map;
}

// '$' and '#' stand for tokens, so that whole ones are easy to reach.
std::string expand(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c == '$') {
      out += "TgxEM" + std::string(20, 'a');
    } else if (c == '#') {
      out += "TgxPH23456789abcdefghijkm";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 9) return 0;
  const auto mode = (data[0] & 1U) != 0 ? RestoreMode::json : RestoreMode::text;
  const std::string text = expand({reinterpret_cast<const char*>(data) + 9, size - 9});
  std::string whole;
  StreamRestorer once(tokens(), mode);
  once.feed(text, whole);
  once.finish(whole);
  std::string pieces;
  StreamRestorer cut(tokens(), mode);
  for (std::size_t at = 0, i = 0; at < text.size(); ++i) {
    const std::size_t wanted = i < 4 * text.size() ? data[1 + i % 8] % 40U : text.size();  // all sizes may be zero
    const auto piece = std::string_view(text).substr(at, wanted);
    cut.feed(piece, pieces);
    at += piece.size();
  }
  cut.finish(pieces);
  if (whole != pieces || once.restored() != cut.restored()) std::abort();
  return 0;
}
