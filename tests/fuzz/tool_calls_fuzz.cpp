// Calls in an answer: the same text and calls come out in one piece and byte by byte, arguments are JSON objects, and
// an answer without a call comes out to the byte. The input: a byte that says whose syntax and whether calls may be
// parallel, then the answer.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "local_backend/tool_calls.h"

namespace lb = tollgate::local_backend;

namespace {

struct Read {
  std::string text;
  std::string calls;
  int count = 0;
};

Read read(const std::shared_ptr<const lb::ToolReading>& reading, std::string_view answer, std::size_t piece) {
  lb::ToolCallReader reader(reading);
  lb::ToolCallReader::Found found;
  for (std::size_t at = 0; at < answer.size() && !reader.satisfied(); at += piece)
    reader.feed(answer.substr(at, piece), found);
  reader.finish(found);
  Read out{found.text, {}, reader.calls()};
  for (const lb::ToolCall& call : found.calls) {
    if (!lb::parse_json(call.arguments, "arguments").is(lb::Json::Kind::object)) std::abort();
    out.calls += call.name + call.arguments + "\n";
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  static constexpr const char* kTemplates[] = {"tools <tool_call>", "tools [TOOL_CALLS]", "tools \"parameters\""};
  auto reading = std::make_shared<lb::ToolReading>();
  reading->syntax = lb::tool_syntax(kTemplates[data[0] % 3]);
  reading->names = {"a", "book"};
  reading->parallel = (data[0] & 0x80U) == 0;
  const std::string_view answer(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = read(reading, answer, answer.size() + 1);
  const Read pieces = read(reading, answer, 1);
  if (whole.calls != pieces.calls || whole.text != pieces.text) std::abort();
  if (whole.count == 0 && whole.text != answer) std::abort();
  return 0;
}
