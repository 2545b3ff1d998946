// Generated text in the Open Inference Protocol's form and in Text Generation Inference's.
#include "tests/fuzz/answer_decoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::providers;
  fuzz::check(kGenerateDialect, "text/event-stream", {reinterpret_cast<const char*>(data), size});
  return 0;
}
