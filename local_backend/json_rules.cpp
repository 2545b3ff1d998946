#include "local_backend/json_rules.h"

namespace tollgate::local_backend {
namespace {

constexpr int kIndent = 24;       // blanks after a line end
constexpr int kWholeDigits = 15;  // whole numbers that a double holds exactly
constexpr int kFractionDigits = 15;
constexpr std::string_view kHex = "0123456789abcdefABCDEF";

using Kind = Grammar::Edge::Kind;

}  // namespace

GrammarBuilder::GrammarBuilder() {
  for (int i = 0; i < kJsonRules; ++i) rule();
  const Grammar::Rule space = at(kSpace);
  jump(space.start, space.end);
  byte(space.start, ' ', ' ', space.end);
  int line = any_of(space.start, "\n");
  for (int i = 0; i < kIndent; ++i) {
    jump(line, space.end);
    line = any_of(line, " ");
  }
  jump(line, space.end);
  define_characters();
  define_numbers();
  define_values();
}

int GrammarBuilder::node() {
  grammar_.nodes.emplace_back();
  return static_cast<int>(grammar_.nodes.size()) - 1;
}

int GrammarBuilder::rule() {
  const int start = node();
  grammar_.rules.push_back({start, node()});
  return static_cast<int>(grammar_.rules.size()) - 1;
}

void GrammarBuilder::jump(int from, int to) {
  grammar_.nodes[static_cast<std::size_t>(from)].push_back({.kind = Kind::jump, .target = to});
}

void GrammarBuilder::byte(int from, int low, int high, int to) {
  grammar_.nodes[static_cast<std::size_t>(from)].push_back({.kind = Kind::bytes,
                                                            .low = static_cast<std::uint8_t>(low),
                                                            .high = static_cast<std::uint8_t>(high),
                                                            .target = to});
}

int GrammarBuilder::any_of(int from, std::string_view bytes) {
  const int to = node();
  for (const char c : bytes) byte(from, static_cast<unsigned char>(c), static_cast<unsigned char>(c), to);
  return to;
}

int GrammarBuilder::text(int from, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) from = any_of(from, text.substr(i, 1));
  return from;
}

int GrammarBuilder::call(int from, int rule) {
  const int to = node();
  grammar_.nodes[static_cast<std::size_t>(from)].push_back({.kind = Kind::call, .rule = rule, .target = to});
  return to;
}

// One character of a string: well-formed UTF-8 (RFC 3629) without quotes and control characters, or an escape.
void GrammarBuilder::define_characters() {
  const auto [start, end] = at(kCharacter);
  byte(start, 0x20, 0x21, end);
  byte(start, 0x23, 0x5B, end);
  byte(start, 0x5D, 0x7F, end);
  jump(utf8(start, 0xC2, 0xDF, 0x80, 0xBF, 0), end);
  jump(utf8(start, 0xE0, 0xE0, 0xA0, 0xBF, 1), end);
  jump(utf8(start, 0xE1, 0xEC, 0x80, 0xBF, 1), end);
  jump(utf8(start, 0xED, 0xED, 0x80, 0x9F, 1), end);
  jump(utf8(start, 0xEE, 0xEF, 0x80, 0xBF, 1), end);
  jump(utf8(start, 0xF0, 0xF0, 0x90, 0xBF, 2), end);
  jump(utf8(start, 0xF1, 0xF3, 0x80, 0xBF, 2), end);
  jump(utf8(start, 0xF4, 0xF4, 0x80, 0x8F, 2), end);
  define_escapes(start, end);

  const auto string = at(kString);
  const int inside = any_of(string.start, "\"");
  jump(call(inside, kCharacter), inside);
  jump(any_of(inside, "\""), string.end);
}

int GrammarBuilder::utf8(int from, int low, int high, int next_low, int next_high, int more) {
  const int second = node();
  int last = node();
  byte(from, low, high, second);
  byte(second, next_low, next_high, last);
  for (int i = 0; i < more; ++i) {
    const int next = node();
    byte(last, 0x80, 0xBF, next);
    last = next;
  }
  return last;
}

// Surrogates come in pairs.
void GrammarBuilder::define_escapes(int start, int end) {
  const int escape = any_of(start, "\\");
  jump(any_of(escape, "\"\\/bfnrt"), end);
  const int unicode = any_of(escape, "u");
  jump(hex(unicode, "0123456789abcefABCEF", 3), end);
  const int d = any_of(unicode, "dD");
  jump(hex(d, "01234567", 2), end);
  const int high = hex(d, "89abAB", 2);
  jump(hex(any_of(text(high, "\\u"), "dD"), "cdefCDEF", 2), end);
}

int GrammarBuilder::hex(int from, std::string_view first, int more) {
  int at = any_of(from, first);
  for (int i = 0; i < more; ++i) at = any_of(at, kHex);
  return at;
}

// None to `most`.
int GrammarBuilder::digits(int from, int most) {
  const int end = node();
  for (int i = 0; i < most; ++i) {
    jump(from, end);
    from = any_of(from, "0123456789");
  }
  jump(from, end);
  return end;
}

int GrammarBuilder::integer(int from) {
  const int unsigned_part = any_of(from, "-");
  jump(from, unsigned_part);
  const int end = node();
  jump(any_of(unsigned_part, "0"), end);
  jump(digits(any_of(unsigned_part, "123456789"), kWholeDigits - 1), end);
  return end;
}

void GrammarBuilder::define_numbers() {
  jump(integer(at(kInteger).start), at(kInteger).end);
  const auto [start, end] = at(kNumber);
  const int whole = integer(start);
  const int fraction = digits(any_of(any_of(whole, "."), "0123456789"), kFractionDigits - 1);
  jump(whole, fraction);
  jump(fraction, end);
  const int exponent = any_of(fraction, "eE");
  const int sign = any_of(exponent, "+-");
  jump(exponent, sign);
  jump(digits(any_of(sign, "0123456789"), 1), end);
}

void GrammarBuilder::define_values() {
  const auto value = at(kValue);
  for (const int kind : {kObject, kArray, kString, kNumber}) jump(call(value.start, kind), value.end);
  for (const char* word : {"true", "false", "null"}) jump(text(value.start, word), value.end);

  const auto object = at(kObject);
  const int member = node();
  const int member_end = call(call(any_of(call(member, kString), ":"), kSpace), kValue);
  list(object, "{}", member, member_end);
  const auto array = at(kArray);
  const int item = node();
  list(array, "[]", item, call(item, kValue));
}

// brackets, and between them any number of elements with commas; an element is what leads from `first` to `last`.
void GrammarBuilder::list(const Grammar::Rule& rule, std::string_view brackets, int first, int last) {
  const int open = call(any_of(rule.start, brackets.substr(0, 1)), kSpace);
  const int close = node();
  jump(open, first);
  jump(open, close);
  jump(call(any_of(last, ","), kSpace), first);
  jump(call(last, kSpace), close);
  jump(any_of(close, brackets.substr(1)), rule.end);
}

std::string json_quoted(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += {kDigits[static_cast<unsigned char>(c) >> 4U], kDigits[c & 0xF]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace tollgate::local_backend
