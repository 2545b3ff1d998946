// What a provider calls an error, and hosts that may be Amazon's: the header, a line end, the body.
#include <algorithm>
#include <string_view>

#include "gateway/process/check/diagnosis.h"
#include "providers/identity/aws_region.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = std::min(text.find('\n'), text.size());
  const auto header = text.substr(0, line);
  const auto code = tollgate::process::error_code_in(header, text.substr(std::min(line + 1, text.size())));
  // It is shown to people: nothing but a word may come out.
  require(code.size() <= 64);
  require(code.find_first_of(" \n\r\t\"\\<>\x1b") == std::string::npos);
  const auto region = tollgate::providers::aws_region_of(header);
  require(region.empty() || header.find(region) != std::string_view::npos);
  return 0;
}
