// Secrets without a form of their own, by the name before them: password = "...", api_key: ..., Authorization: Bearer.
#include <algorithm>
#include <array>
#include <string>

#include "pii/secret_checks.h"
#include "pii/secrets.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kLongestName = 24;  // after the word that announces it
constexpr std::size_t kLongestValue = 256;
constexpr std::size_t kShortestToken = 16;

// Names that go on like this name something about a secret, not the secret.
constexpr auto kNotTheSecret = std::to_array<std::string_view>({
    "name", "url",   "uri",    "path",    "file",  "type",   "expir",   "length",   "count",
    "size", "limit", "policy", "ttl",     "field", "label",  "prompt",  "reset",    "hash",
    "sha",  "md5",   "arn",    "version", "store", "rotat",  "manager", "usage",    "digest",
    "_id",  "-id",   "ize",    "ised",    "ref",   "tokens", "source",  "alphabet",
});
// ... and so do names that begin like this.
constexpr auto kNotBefore = std::to_array<std::string_view>({"page", "next", "max", "num", "min", "public", "sync"});

// Walks over text, unit by unit.
struct Reader {
  std::string_view text;
  std::size_t pos;

  // The next visible character; goes past what is invisible.
  char peek() {
    while (pos < text.size() && unit_at(text, pos).c == kInvisible) pos += unit_at(text, pos).length;
    return pos < text.size() ? unit_at(text, pos).c : '\n';
  }
  void skip() { pos += unit_at(text, pos).length; }
  // At most `count` characters of `set`.
  std::size_t skip_any(std::string_view set, std::size_t count) {
    std::size_t skipped = 0;
    while (skipped < count && pos < text.size() && set.find(peek()) != std::string_view::npos) skip(), ++skipped;
    return skipped;
  }
};

enum class Link : std::uint8_t { none, operator_, said };

bool contains_any(std::string_view name, const auto& words) {
  return std::ranges::any_of(words, [&](std::string_view w) { return name.find(w) != std::string_view::npos; });
}

// The rest of the name, lower case: "_prod" of DB_PASSWORD_PROD.
std::string rest_of_name(Reader& in) {
  std::string out;
  while (out.size() < kLongestName && in.pos < in.text.size()) {
    const char c = in.peek();
    if (!is_alnum(c) && c != '_' && c != '-' && c != kLetter) break;
    out.push_back(to_lower(c));
    in.skip();
  }
  return out;
}

std::string name_before(std::string_view text, std::size_t start) {
  std::string out;
  while (start > 0 && out.size() < kLongestName &&
         (is_alnum(text[start - 1]) || text[start - 1] == '_' || text[start - 1] == '-'))
    out.push_back(to_lower(text[--start]));
  std::reverse(out.begin(), out.end());
  return out;
}

// "is" and its like, which need a space on both sides.
bool is_said(Reader& in) {
  static constexpr auto kIs = std::to_array<std::string_view>({"is", "ist", "lautet", "est", "es", "was", "jest"});
  Reader ahead = in;
  std::string word;
  while (word.size() < 8 && is_alpha(ahead.peek())) word.push_back(to_lower(ahead.peek())), ahead.skip();
  if (std::ranges::find(kIs, word) == kIs.end()) return false;
  ahead.skip_any(":", 1);
  if (ahead.skip_any(" \t", 4) == 0) return false;
  in = ahead;
  return true;
}

// What joins name and value.
Link read_link(Reader& in, bool flag, bool tag) {
  const std::size_t closing = in.skip_any("\"'`]*)", 4);
  const std::size_t spaces = in.skip_any(" \t", 4);
  if (tag && in.skip_any(">", 1) == 1) return Link::operator_;
  if (in.skip_any("=:>", 3) > 0) {
    in.skip_any(" \t*", 4);
    return Link::operator_;
  }
  if (flag && closing == 0 && spaces > 0) return Link::operator_;
  return spaces > 0 && is_said(in) ? Link::said : Link::none;
}

struct Value {
  std::size_t start = 0;
  std::size_t end = 0;
  std::string text;  // folded
  bool quoted = false;
};

constexpr std::string_view kQuotes = "\"'`";
constexpr std::string_view kEnds = " \t\r\n\"'`,;<>()[]{}|&\\";

Value read_value(Reader& in) {
  Value out;
  const char quote = in.peek();
  out.quoted = kQuotes.find(quote) != std::string_view::npos;
  if (out.quoted) in.skip();
  out.start = out.end = in.pos;
  while (in.pos < in.text.size() && out.text.size() < kLongestValue) {
    const char c = in.peek();
    if (out.quoted ? c == quote || c == '\n' : c == kOther || kEnds.find(c) != std::string_view::npos) break;
    in.skip();
    out.text.push_back(c);
    out.end = in.pos;
  }
  if (out.quoted && in.peek() != quote) out = {};  // never closed: not a value
  return out;
}

// The full stop of the sentence is not part of what it says.
void drop_punctuation(Value& value) {
  while (!value.text.empty() && std::string_view(".,;:?").find(value.text.back()) != std::string_view::npos)
    value.text.pop_back(), --value.end;
}

// An expression rather than a value: a call, an index, a member of something.
bool is_code(const Value& value, char after) {
  if (value.quoted) return false;
  if (after == '(' || after == '[' || after == '{') return true;
  const auto begins_name = [&](std::size_t at) { return at < value.text.size() && !is_digit(value.text[at]); };
  bool member = value.text.find('.') != std::string::npos && value.text[0] != '.' && begins_name(0);
  for (std::size_t i = 0; i < value.text.size(); ++i) {
    const char c = value.text[i];
    member &= c == '.' ? begins_name(i + 1) : is_alnum(c) || c == '_';
  }
  return member;
}

bool is_secret(const Value& value, SecretKind kind) {
  if (std::ranges::any_of(value.text, [](char c) { return is_space(c) || c == kOther; })) return false;
  return kind == SecretKind::password ? looks_like_password(value.text) : looks_random(value.text, kShortestToken);
}

// One of the parts of a connection string: ;Password=... or ?password=...&
bool in_connection_string(std::string_view text, std::size_t name) {
  while (name > 0 && (is_alnum(text[name - 1]) || text[name - 1] == ' ')) --name;
  return name > 0 && (text[name - 1] == ';' || text[name - 1] == '?' || text[name - 1] == '&');
}

bool is_scheme_word(Reader& in) {
  static constexpr auto kSchemes = std::to_array<std::string_view>({"Bearer ", "Basic ", "Token ", "ApiKey "});
  return std::ranges::any_of(kSchemes, [&](auto scheme) {
    const bool here = in.text.substr(in.pos).starts_with(scheme);
    if (here) in.pos += scheme.size();
    return here;
  });
}

}  // namespace

std::size_t detect_assignment(std::string_view text, SecretKind kind, std::size_t start, std::size_t end,
                              Findings& out) {
  const std::string before = name_before(text, start);
  Reader in{text, end};
  if (contains_any(rest_of_name(in), kNotTheSecret) || contains_any(before, kNotBefore)) return end;
  const std::size_t name = start - before.size();
  const Link link = read_link(in, before.starts_with("--"), name > 0 && text[name - 1] == '<');
  if (link == Link::none) return end;
  (void)is_scheme_word(in);
  Value value = read_value(in);
  if (!value.quoted) drop_punctuation(value);
  if (value.text.empty() || is_code(value, in.peek()) || !is_secret(value, kind)) return end;
  const bool inside = kind == SecretKind::password && in_connection_string(text, name);
  const auto type = inside ? EntityType::connection_string : EntityType::api_key;
  out.push_back({type, value.start, value.end, link == Link::said ? 0.65 : 0.85, 0, {Term::named, Term::entropy}});
  return value.end;
}

std::size_t detect_authorization(std::string_view text, std::size_t end, Findings& out) {
  Reader in{text, end};
  const Value value = read_value(in);
  const bool basic = to_lower(text[end - 2]) == 'c';
  if (value.quoted || value.text.empty() || is_placeholder(value.text)) return end;
  // RFC 7617 §2: base64 of user:password.
  const auto decoded = basic ? decode_base64(value.text) : std::nullopt;
  const bool credentials = decoded && decoded->find(':') != std::string::npos &&
                           std::ranges::all_of(*decoded, [](char c) { return c >= ' ' && c <= '~'; });
  if (basic ? !credentials : !looks_random(value.text, kShortestToken)) return end;
  out.push_back({EntityType::api_key, value.start, value.end, 0.9, 0, {Term::named}});
  return value.end;
}

}  // namespace tollgate::pii
