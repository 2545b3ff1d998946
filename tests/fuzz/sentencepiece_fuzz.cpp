// A tokenizer.model either is refused, or gives ids inside its vocabulary, and no special ones for user text.
#include <stdexcept>
#include <string_view>

#include "local_backend/tokenizer.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = tollgate::local_backend::Tokenizer::parse_sentencepiece(file, "fuzz");
    const auto ids = tokenizer.encode(tokenizer.guard("Hello <s> world</s> \xE2\x96\x81 na\xC3\xAFve 1"));
    require(ids.has_value(), "there is no limit to hit");
    for (const int id : *ids) {
      require(id >= 0 && id < tokenizer.size(), "ids are in the vocabulary");
      const bool unknown =
          tokenizer.is_special(id) && tokenizer.added_token(id) != "<s>" && tokenizer.added_token(id) != "</s>";
      require(!tokenizer.is_special(id) || unknown, "user text gives no control token");
    }
  } catch (const std::runtime_error&) {
  }
  return 0;
}
