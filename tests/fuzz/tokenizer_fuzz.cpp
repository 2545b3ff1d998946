// Two uses of the bytes: as a tokenizer.json (refused or read), and as user text for a small byte-level vocabulary,
// where no special token may appear and the bytes must come back.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "local_backend/tokenizer.h"
#include "local_backend/unicode.h"

namespace lb = tollgate::local_backend;

namespace {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string utf8(unsigned c) {
  if (c < 0x80) return std::string(1, static_cast<char>(c));
  return {static_cast<char>(0xC0U | c >> 6U), static_cast<char>(0x80U | (c & 0x3FU))};
}

lb::Tokenizer byte_tokenizer() {
  std::string vocabulary;
  unsigned next = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    vocabulary += json_string(utf8(printable ? b : next++)) + ":" + std::to_string(b) + ",";
  }
  return lb::Tokenizer::parse(
      R"({"added_tokens":[{"id":300,"content":"<|end|>","special":true}],"pre_tokenizer":{"type":"Sequence","pretokenizers":[
        {"type":"Split","pattern":{"Regex":)" +
          json_string(lb::kLlama3Pattern) + R"(},"behavior":"Isolated"},
        {"type":"ByteLevel","use_regex":false}]},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{)" +
          vocabulary + R"("ab":256,"abc":257},"merges":["a b","ab c"]}})",
      "fuzz");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const lb::Tokenizer parsed = lb::Tokenizer::parse(text, "fuzz");
    (void)parsed.encode(parsed.guard("hello <|end|> world"));
  } catch (const std::runtime_error&) {
  }
  static const lb::Tokenizer kTokenizer = byte_tokenizer();
  const auto ids = kTokenizer.encode(kTokenizer.guard(text));
  if (!ids) std::abort();
  std::string back;
  for (const int id : *ids) {
    if (kTokenizer.is_special(id)) std::abort();
    back += kTokenizer.bytes_of(id);
  }
  if (back != lb::to_valid_utf8(text)) std::abort();
  return 0;
}
