#pragma once
// A strict pull reader for JSON (RFC 8259) that knows where everything lies. It builds nothing: the caller walks, and
// gets byte ranges. One pass, linear, no recursion, no allocation. Internal to providers/.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "providers/call.h"

namespace tollgate::providers {

// True when the bytes are well-formed UTF-8 (no overlong forms, no surrogates). The reader checks all but this.
bool valid_utf8(std::string_view text);
// Nothing but base64's characters, its URL-safe ones included.
bool is_base64(std::string_view text);
// One JSON object and nothing else.
bool is_json_object(std::string_view text);

struct JsonString {
  Span inside;  // between the quotes
  bool has_escapes = false;
  Span quoted() const { return {inside.offset - 1, inside.length + 2}; }
};

// Walking an object:  for (reader.enter_object(); reader.next_member();) { look at key(); consume one value }
// Walking an array:   for (reader.enter_array(); reader.next_element();) { consume one value }
// The first fault is final: from then on every loop ends, ok() is false, and values are empty spans that view() takes.
// REQUIRES: the text outlives the reader and is shorter than 4 GiB.
class JsonReader {
 public:
  enum class Kind : std::uint8_t { object, array, string, number, boolean, null, none };
  static constexpr unsigned kMaxDepth = 64;

  // Spans are given relative to the start of what `text` is cut from: `base` is where it begins there.
  explicit JsonReader(std::string_view text, std::uint32_t base = 0) : text_(text), base_(base) {}

  bool ok() const { return fault_.empty(); }
  // What is wrong, such as "a comma or '}' is missing"; empty while all is well.
  std::string_view fault() const { return fault_; }
  // Where the reader stands (at the fault, if there is one).
  std::uint32_t offset() const { return base_ + static_cast<std::uint32_t>(at_); }

  // What begins here. Kind::none at anything that no JSON value begins with.
  Kind peek();

  void enter_object();  // REQUIRES: peek() == Kind::object
  bool next_member();   // false: the object has ended (or the text is faulty)
  void enter_array();   // REQUIRES: peek() == Kind::array
  bool next_element();  // false: the array has ended (or the text is faulty)

  // The current member's name, decoded: "mod\u0065l" is "model". Valid until its value is consumed, as are the two
  // below.
  std::string_view key() const { return key_.has_escapes ? std::string_view(key_text_) : view(key_.inside); }
  bool key_has_escapes() const { return key_.has_escapes; }
  std::uint32_t key_offset() const { return key_.inside.offset - 1; }  // of its opening quote
  // The comma before the current member; nullopt for the first.
  std::optional<std::uint32_t> comma_before() const { return comma_; }

  JsonString string();  // REQUIRES: peek() == Kind::string
  bool boolean();       // REQUIRES: peek() == Kind::boolean
  Span skip();          // any value, checked; its whole range
  // An integer that fits; nullopt for other numbers. REQUIRES: peek() == Kind::number
  std::optional<std::int64_t> integer();
  // Consumes a null if there is one.
  bool null();

  // Where the next member begins: just after the comma that follows, if one does. Consumes nothing.
  std::uint32_t after_comma() const;

  // Nothing but white space follows.
  bool at_end();

  std::string_view view(Span span) const { return text_.substr(span.offset - base_, span.length); }
  std::string decode(const JsonString& string) const;

 private:
  void fail(std::string_view what) {
    if (fault_.empty()) fault_ = what;
  }
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space();
  void enter(bool object);
  void leave();
  bool next(char close, std::string_view missing);
  void literal(std::string_view word);
  void number();
  void digits();
  void escape();
  unsigned hex4(std::size_t at);
  void scalar_or_enter();
  bool in_object() const { return ((objects_ >> (depth_ - 1)) & 1) != 0; }

  std::string_view text_;
  std::uint32_t base_;
  std::size_t at_ = 0;
  std::string_view fault_;
  unsigned depth_ = 0;
  std::uint64_t objects_ = 0;  // bit d: the container at depth d+1 is an object
  bool fresh_ = false;         // just entered: no comma is due
  JsonString key_;
  std::string key_text_;
  std::optional<std::uint32_t> comma_;
};

// Walks an object: `member` gets the name of each member, and consumes its value. What is not an object is skipped.
template <class Member>
void walk_object(JsonReader& reader, const Member& member) {
  if (reader.peek() != JsonReader::Kind::object) {
    reader.skip();
    return;
  }
  reader.enter_object();
  while (reader.next_member()) member(reader.key());
}

// The same for each element of a list. REQUIRES: reader.peek() == Kind::array
template <class Member>
void walk_objects(JsonReader& reader, const Member& member) {
  reader.enter_array();
  while (reader.next_element()) walk_object(reader, member);
}

// A string's text into `out`; anything else is skipped and changes nothing.
inline void read_text(JsonReader& reader, std::string& out) {
  if (reader.peek() == JsonReader::Kind::string)
    out = reader.decode(reader.string());
  else
    reader.skip();
}

}  // namespace tollgate::providers
