// A template either is refused, or renders within its limits, or fails with a message.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "local_backend/jinja.h"

namespace lb = tollgate::local_backend;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lb::JinjaValue::List messages;
  for (const char* role : {"system", "user"}) {
    lb::JinjaValue::Map message;
    message.emplace_back("role", lb::JinjaValue::of(std::string(role)));
    message.emplace_back("content", lb::JinjaValue::of(std::string(" text ")));
    messages.push_back(lb::JinjaValue::of(std::move(message)));
  }
  lb::JinjaValue::Map variables;
  variables.emplace_back("messages", lb::JinjaValue::of(std::move(messages)));
  variables.emplace_back("bos_token", lb::JinjaValue::of(std::string("<s>")));
  const lb::JinjaLimits limits{.steps = 10'000, .output_bytes = 1U << 16U};
  try {
    const lb::JinjaTemplate parsed(std::string_view(reinterpret_cast<const char*>(data), size));
    const lb::JinjaResult result = parsed.render(variables, limits);
    if (result.ok != result.error.empty() || result.text.size() > limits.output_bytes) std::abort();
  } catch (const std::runtime_error&) {
  }
  return 0;
}
