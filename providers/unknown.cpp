#include "providers/unknown.h"

#include <algorithm>
#include <string>

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::size_t kMostNoted = 8;
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kMostDigits = 6;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A name as it may be logged.
std::string told(std::string_view name) {
  std::string out;
  std::size_t digits = 0;
  for (const char c : name.substr(0, kLongestName + 1)) {
    const bool capital = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '.' || c == '-';
    if (!capital && !plain) return "other";
    if (capital && !out.empty() && out.back() != '_') out += '_';
    out += capital ? static_cast<char>(c - 'A' + 'a') : c;
    digits += is_digit(c) ? 1 : 0;
  }
  const bool good = !out.empty() && out.size() <= kLongestName && digits <= kMostDigits;
  return good ? out : "other";
}

// Consumes a value. Recursive: the reader bounds the depth.
bool holds_text(JsonReader& reader) {
  bool text = false;
  switch (reader.peek()) {
    case Kind::string:
      return reader.string().inside.length > 0;
    case Kind::array:
      reader.enter_array();
      while (reader.next_element()) text = holds_text(reader) || text;
      return text;
    case Kind::object:
      reader.enter_object();
      while (reader.next_member()) text = holds_text(reader) || text;
      return text;
    default:
      reader.skip();
      return false;
  }
}

}  // namespace

std::string_view to_string(Unknown::What what) {
  static constexpr std::string_view kWords[] = {"event", "block", "member"};
  return kWords[static_cast<std::size_t>(what)];
}

bool is_known(Names known, std::string_view name) { return std::find(known.begin(), known.end(), name) != known.end(); }

void note_unknown(Unknown::What what, std::string_view name, std::vector<Unknown>& out) {
  if (out.size() == kMostNoted) return;
  Unknown found{what, told(name)};
  if (std::find(out.begin(), out.end(), found) == out.end()) out.push_back(std::move(found));
}

void note_unless(Names known, Unknown::What what, std::string_view name, std::vector<Unknown>& out) {
  if (!is_known(known, name)) note_unknown(what, name, out);
}

void skip_member(JsonReader& reader, Names known, std::vector<Unknown>& out, Unknown::What what) {
  const Kind kind = reader.peek();
  const bool may_hold = kind == Kind::string || kind == Kind::array || kind == Kind::object;
  if (!may_hold || is_known(known, reader.key())) {
    reader.skip();
    return;
  }
  const std::string name(reader.key());  // the reader's own lives until the value is consumed
  if (holds_text(reader)) note_unknown(what, name, out);
}

}  // namespace tollgate::providers
