#include "providers/json_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "providers/byte_scan.h"

namespace tollgate::providers {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void JsonReader::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++at_;
  }
}

JsonReader::Kind JsonReader::peek() {
  if (!ok()) return Kind::none;
  skip_space();
  switch (here()) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return here() == '-' || is_digit(here()) ? Kind::number : Kind::none;
  }
}

void JsonReader::enter(bool object) {
  if (depth_ == kMaxDepth) return fail("values are nested deeper than 64");
  ++at_;
  const std::uint64_t bit = std::uint64_t{1} << depth_++;
  objects_ = object ? objects_ | bit : objects_ & ~bit;
  fresh_ = true;
}

void JsonReader::enter_object() {
  if (ok()) enter(true);
}

void JsonReader::enter_array() {
  if (ok()) enter(false);
}

void JsonReader::leave() {
  ++at_;
  --depth_;
  fresh_ = false;
}

// Stands at the next member or element, or leaves the container.
bool JsonReader::next(char close, std::string_view missing) {
  if (!ok()) return false;
  skip_space();
  if (here() == close) {
    leave();
    return false;
  }
  comma_.reset();
  if (!fresh_) {
    if (here() != ',') {
      fail(missing);
      return false;
    }
    comma_ = offset();
    ++at_;
    skip_space();
  }
  fresh_ = false;
  return true;
}

bool JsonReader::next_member() {
  if (!next('}', "a comma or '}' is missing")) return false;
  const auto comma = comma_;
  if (here() != '"') {
    fail("a member name in quotes is missing");
    return false;
  }
  key_ = string();
  if (key_.has_escapes && ok()) key_text_ = unescape_json(view(key_.inside));
  skip_space();
  if (ok() && here() != ':') fail("a colon is missing");
  if (!ok()) return false;
  ++at_;
  comma_ = comma;
  return true;
}

bool JsonReader::next_element() { return next(']', "a comma or ']' is missing"); }

unsigned JsonReader::hex4(std::size_t at) {
  unsigned value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = i < text_.size() ? hex_value(text_[i]) : -1;
    if (digit < 0) {
      fail("a \\u escape needs four hexadecimal digits");
      return 0;
    }
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

// At a backslash. A surrogate must be one half of a pair: a lone one is no character (RFC 8259 §8.2).
void JsonReader::escape() {
  const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (kind != 'u') {
    if (kind == '\0' || std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos)
      return fail("a backslash is followed by no known escape");
    at_ += 2;
    return;
  }
  const unsigned unit = hex4(at_ + 2);
  if (unit >= 0xDC00 && unit <= 0xDFFF) return fail("a \\u escape is a lone surrogate");
  at_ += 6;
  if (unit < 0xD800 || unit > 0xDBFF || !ok()) return;
  if (text_.substr(at_, 2) != "\\u") return fail("a \\u escape is a lone surrogate");
  const unsigned low = hex4(at_ + 2);
  if (ok() && (low < 0xDC00 || low > 0xDFFF)) return fail("a \\u escape is a lone surrogate");
  at_ += 6;
}

JsonString JsonReader::string() {
  JsonString out{{base_, 0}, false};
  if (!ok()) return out;
  const std::size_t begin = ++at_;
  while (ok()) {
    at_ = find_string_stop(text_, at_);
    if (at_ == text_.size()) {
      fail("a string is not closed");
    } else if (text_[at_] == '"') {
      out.inside = {base_ + static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_++ - begin)};
      return out;
    } else if (text_[at_] == '\\') {
      out.has_escapes = true;
      escape();
    } else {
      fail("a control character in a string is not escaped");
    }
  }
  return out;
}

void JsonReader::literal(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return fail("a value is missing");
  at_ += word.size();
}

bool JsonReader::boolean() {
  if (!ok()) return false;
  const bool value = here() == 't';
  literal(value ? "true" : "false");
  return value && ok();
}

bool JsonReader::null() {
  if (peek() != Kind::null) return false;
  literal("null");
  return ok();
}

void JsonReader::digits() {
  if (!is_digit(here())) return fail("a number is malformed");
  while (is_digit(here())) ++at_;
}

void JsonReader::number() {
  if (here() == '-') ++at_;
  if (here() == '0')
    ++at_;
  else
    digits();
  if (here() == '.') {
    ++at_;
    digits();
  }
  if (here() == 'e' || here() == 'E') {
    ++at_;
    if (here() == '+' || here() == '-') ++at_;
    digits();
  }
}

std::optional<std::int64_t> JsonReader::integer() {
  if (!ok()) return std::nullopt;
  const std::size_t begin = at_;
  number();
  if (!ok()) return std::nullopt;
  std::int64_t value = 0;
  const char* last = text_.data() + at_;
  const auto [end, error] = std::from_chars(text_.data() + begin, last, value);
  if (error != std::errc() || end != last) return std::nullopt;
  return value;
}

void JsonReader::scalar_or_enter() {
  switch (peek()) {
    case Kind::object:
      return enter(true);
    case Kind::array:
      return enter(false);
    case Kind::string:
      string();
      return;
    case Kind::number:
      return number();
    case Kind::boolean:
      boolean();
      return;
    case Kind::null:
      return literal("null");
    case Kind::none:
      return fail("a value is missing");
  }
}

Span JsonReader::skip() {
  if (!ok()) return {base_, 0};
  skip_space();
  const std::uint32_t begin = offset();
  const unsigned floor = depth_;
  scalar_or_enter();
  while (ok() && depth_ > floor)
    if (in_object() ? next_member() : next_element()) scalar_or_enter();
  return ok() ? Span{begin, offset() - begin} : Span{base_, 0};
}

std::uint32_t JsonReader::after_comma() const {
  const std::size_t next = text_.find_first_not_of(" \t\r\n", at_);
  const bool comma = next != std::string_view::npos && text_[next] == ',';
  return base_ + static_cast<std::uint32_t>(comma ? next + 1 : at_);
}

bool JsonReader::at_end() {
  if (!ok()) return false;
  skip_space();
  return at_ == text_.size();
}

std::string JsonReader::decode(const JsonString& string) const {
  return string.has_escapes ? unescape_json(view(string.inside)) : std::string(view(string.inside));
}

bool is_base64(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '/' || c == '-' || c == '_' || c == '=';
  });
}

bool is_json_object(std::string_view text) {
  JsonReader reader(text);
  if (reader.peek() != JsonReader::Kind::object) return false;
  reader.skip();
  return reader.at_end();
}

}  // namespace tollgate::providers
