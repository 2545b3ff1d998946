// Parts of a container's stream. An input whose first byte is even is the framing as it comes; else each line is the
// payload of one well-framed part, so that checksums do not hide what is behind them.
#include "tests/fuzz/answer_decoding.h"
#include "tests/unit/providers/event_frames.h"

namespace {

using namespace tollgate::providers;

std::string framed(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    text.remove_prefix(line.size());
    out += line.starts_with('!') ? testing::exception_message("ModelStreamError", line.substr(1))
                                 : testing::event_message("PayloadPart", line);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (all.empty()) return 0;
  const bool raw = data[0] % 2 == 0;
  const std::string input = raw ? std::string(all) : std::string(1, all.front()) + framed(all.substr(1));
  fuzz::check(kSageMakerDialect, "application/vnd.amazon.eventstream", input);
  return 0;
}
