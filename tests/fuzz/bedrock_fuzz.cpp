// Answers in Bedrock's form. An input whose first byte is even is a stream as it comes; else each line is the payload
// of one well-framed message, whose first byte says its type, so that checksums do not hide what is behind them.
#include <array>

#include "tests/fuzz/answer_decoding.h"
#include "tests/unit/providers/event_frames.h"

namespace {

using namespace tollgate::providers;

std::string framed(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kEvents = {
      "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"};
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty()) continue;
    const auto type = static_cast<unsigned char>(line.front()) % 8U;
    const std::string_view payload = line.substr(1);
    if (type < kEvents.size())
      out += testing::event_message(kEvents[type], payload);
    else if (type == 6)
      out += testing::exception_message("throttlingException", payload);
    else
      out += testing::error_message("Code", payload);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (all.empty()) return 0;
  const bool raw = data[0] % 2 == 0;
  const std::string input = raw ? std::string(all) : std::string(1, all.front()) + framed(all.substr(1));
  fuzz::check(kBedrockDialect, "application/vnd.amazon.eventstream", input);
  return 0;
}
