#pragma once
// What the readers of tokenizer files share. Private to tokenizer_json.cpp, tokenizer_steps.cpp and sentencepiece.cpp.
#include <cstdint>
#include <string>
#include <string_view>

#include "local_backend/json_document.h"
#include "local_backend/tokenizer.h"

namespace tollgate::local_backend::tokenizer_reading {

inline constexpr std::int64_t kMaxId = 10'000'000;
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, which stands for a space

// A JSON object of a tokenizer file, with complaints that name the file.
class Section {
 public:
  Section(const Json& json, const std::string& what) : json_(json), what_(what) {}

  [[noreturn]] void refuse(const std::string& why) const;
  const Json& json() const { return json_; }
  const Json& member(const std::string& key, Json::Kind kind) const;
  Section section(const std::string& key) const { return {member(key, Json::Kind::object), what_}; }
  Section item(const Json& json) const { return {json, what_}; }
  std::string type() const { return member("type", Json::Kind::string).string; }
  bool flag(const std::string& key, bool fallback) const;
  std::string text(const std::string& key, const std::string& fallback) const;
  void require_flag(const std::string& key, bool wanted) const;

 private:
  const Json& json_;
  const std::string& what_;
};

// Puts a piece at its id; refuses an id that is taken.
void place(TokenizerParts& parts, int id, TokenizerParts::Piece piece, const std::string& spelling,
           const std::string& what);

// The bytes that a piece of a character vocabulary stands for: a byte for <0x0A>, spaces for the marks.
std::string text_of_piece(std::string_view spelling, bool byte_fallback);

// The normalizer and the pre-tokenizer of tokenizer.json. Sets by_bytes where the pieces are spelled in ByteLevel's
// alphabet.
void read_text_steps(const Section& root, TokenizerParts& parts, bool& by_bytes);
// The decoder: must agree with by_bytes.
void read_decoder(const Section& root, bool by_bytes, TokenizerParts& parts);

}  // namespace tollgate::local_backend::tokenizer_reading
