// Answers in Gemini's form: a stream, a body or a refusal.
#include "tests/fuzz/answer_decoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::providers;
  fuzz::check(kGeminiDialect, "text/event-stream", {reinterpret_cast<const char*>(data), size});
  return 0;
}
