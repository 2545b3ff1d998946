// E-mail addresses and IPv6 addresses.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "pii/context.h"
#include "pii/detect.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kMaxLocal = 64;    // RFC 5321 §4.5.3.1.1
constexpr std::size_t kMaxDomain = 253;  // RFC 1035 §2.3.4, without the root
constexpr std::size_t kMaxLabel = 63;

// Letters, digits and what else is in `signs`.
constexpr auto letters_and(std::string_view signs) {
  std::array<bool, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = static_cast<char>(i);
    out[i] = is_alnum(c) || c == kLetter || is_one_of(c, signs);
  }
  return out;
}
constexpr auto kLocal = letters_and("._%+-'&");
constexpr auto kDomain = letters_and("-.");
bool is_local(char c) { return kLocal[static_cast<unsigned char>(c)]; }
bool is_domain(char c) { return kDomain[static_cast<unsigned char>(c)]; }

constexpr bool begins_local(char c) { return is_alnum(c) || c == kLetter || c == '_' || c == '+'; }

// What a byte is to the two readers below where it stands by itself. Special: it may be a part of a longer unit, or it
// is where units have to be told apart.
enum class Role : std::uint8_t { stops, inside, begins, special };
constexpr auto kRoles = [] {
  std::array<Role, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool special = i >= 0x80 || c == '\0' || is_one_of(c, "\\%&;*<>");
    out[i] = special ? Role::special : !kLocal[i] ? Role::stops : begins_local(c) ? Role::begins : Role::inside;
  }
  return out;
}();

// The usual case of the next function: bytes that all stand by themselves. A longer unit ends in what is special, or is
// an escape, all of which reads as a local part up to the sign that begins it.
std::optional<std::size_t> plain_local_start(std::string_view text, std::size_t at) {
  const char* const data = text.data();
  std::size_t start = at;
  const std::size_t furthest = at - std::min(at, kMaxLocal);
  for (std::size_t pos = at; pos > furthest;) {
    const char c = data[--pos];
    const Role role = kRoles[static_cast<unsigned char>(c)];
    if (role == Role::special) return std::nullopt;
    if (role == Role::stops || (c == '.' && (pos + 1 == at || data[pos + 1] == '.'))) return start;
    if (role == Role::begins) start = pos;
  }
  if (furthest > 0) return std::nullopt;
  return start;
}

// Where the local part before `at` starts; `at` itself where there is none.
std::size_t local_start(std::string_view text, std::size_t at) {
  if (const auto plain = plain_local_start(text, at)) return *plain;
  std::size_t start = at;  // of the earliest character that may begin a local part
  std::size_t pos = at;
  char previous = '@';
  for (std::size_t i = 0; i < kMaxLocal && pos > 0;) {
    const Unit unit = unit_before(text, pos);
    if (unit.c != kInvisible && !is_local(unit.c)) break;
    pos -= unit.length;
    if (unit.c == kInvisible) continue;
    if (unit.c == '.' && (previous == '.' || previous == '@')) break;
    if (begins_local(unit.c)) start = pos;
    previous = unit.c;
    ++i;
  }
  return start;
}

// A line may break inside the first label: what stands before it is no address yet.
bool breaks_line(char c, std::string_view name) {
  return c == '\n' && !name.empty() && name.find_first_of(".\n") == std::string_view::npos;
}

// In small letters, with the line break if there is one.
struct Name {
  std::array<char, kMaxDomain> characters;
  std::size_t size = 0;
  bool plain = true;  // each of them is one byte, and nothing stands between them
  std::string_view view() const { return {characters.data(), size}; }
};

void read_domain(std::string_view text, std::size_t pos, Name& name) {
  while (pos < text.size() && name.size < kMaxDomain) {
    const Unit unit = unit_at(text, pos);
    pos += unit.length;
    if (unit.c != kInvisible && !is_domain(unit.c) && !breaks_line(unit.c, name.view())) break;
    name.plain &= unit.length == 1;
    if (unit.c == kInvisible) continue;
    name.characters[name.size++] = to_lower(unit.c);
  }
}

// Where the first `count` characters of the name end that was read from `pos` on.
std::size_t past_characters(std::string_view text, std::size_t pos, const Name& name, std::size_t count) {
  if (name.plain) return pos + count;
  while (count > 0) {
    const Unit unit = unit_at(text, pos);
    pos += unit.length;
    if (unit.c != kInvisible) --count;
  }
  return pos;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-';
}

// Endings of file names that look like an address: logo@2x.png.
bool is_file_ending(std::string_view label) {
  static constexpr auto kEndings =
      std::to_array<std::string_view>({"css", "gif", "html", "jpeg", "jpg", "js", "json", "png", "svg", "webp"});
  return std::ranges::any_of(kEndings, [&](auto ending) { return ending[0] == label[0] && ending == label; });
}

bool is_top_level(std::string_view label) {
  if (label.starts_with("xn--")) return label.size() > 4;
  const bool letters = std::all_of(label.begin(), label.end(), [](char c) { return is_alpha(c) || c == kLetter; });
  return letters && label.size() >= 2 && label.size() <= 24 && !is_file_ending(label);
}

// How much of `name` is a domain name: as many labels as are well formed, the last one a possible top level.
std::size_t domain_length(std::string_view name) {
  std::size_t good = 0;
  std::size_t labels = 0;
  for (std::size_t start = 0; start < name.size();) {
    std::size_t dot = start;
    while (dot < name.size() && name[dot] != '.') ++dot;
    const auto label = name.substr(start, dot - start);
    if (!is_label(label)) break;
    if (++labels >= 2 && is_top_level(label))
      good = dot;
    else if (labels >= 2)
      good = 0;
    start = dot + 1;
  }
  return good;
}

// git@github.com:owner/repository is an SSH address that every clone shares; a@b.transpose() is code.
bool is_something_else(std::string_view text, std::string_view local, std::size_t end) {
  const char after = end < text.size() ? text[end] : ' ';
  return after == '(' || (after == ':' && local == "git");
}

}  // namespace

void detect_email(std::string_view text, std::size_t at, Findings& out) {
  const std::size_t start = local_start(text, at);
  if (start == at) return;
  const std::size_t domain = at + unit_at(text, at).length;
  Name name;
  read_domain(text, domain, name);
  const std::size_t length = domain_length(name.view());
  if (length == 0) return;
  const std::size_t end = past_characters(text, domain, name, length);
  if (is_something_else(text, text.substr(start, at - start), end)) return;
  out.push_back({EntityType::email_address, start, end, 0.95});
}

namespace {

constexpr std::size_t kLongestV6 = 45;  // eight groups with an IPv4 tail

bool is_v6(char c) { return is_hex(c) || c == ':' || c == '.'; }

bool parses(std::string_view address) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET6, std::string(address).c_str(), bytes.data()) == 1;
}

// "a::b" is more often a name in C++ than an address: wants a digit, and several groups or a full first one.
bool like_an_address(std::string_view address) {
  if (std::none_of(address.begin(), address.end(), is_digit)) return false;
  const auto first = address.find(':');
  const auto groups = std::count(address.begin(), address.end(), ':');
  return (first == 0 || first >= 3 || groups >= 4 || address.find('.') != std::string_view::npos);
}

bool word_beside(std::string_view text, std::size_t start, std::size_t end) {
  const char before = start > 0 ? unit_before(text, start).c : ' ';
  const char after = end < text.size() ? unit_at(text, end).c : ' ';
  return is_alnum(before) || before == ':' || before == '_' || is_alnum(after) || after == '_';
}

// The end of "/64" where that follows, else `end`.
std::size_t past_prefix_length(std::string_view text, std::size_t end) {
  std::size_t pos = end + 1;
  int value = 0;
  while (pos < text.size() && pos < end + 4 && is_digit(text[pos])) value = value * 10 + (text[pos++] - '0');
  const bool prefix = end < text.size() && text[end] == '/' && pos > end + 1 && value <= 128;
  return prefix && (pos == text.size() || !is_alnum(text[pos])) ? pos : end;
}

}  // namespace

std::size_t detect_ipv6(std::string_view text, std::size_t pos, Findings& out) {
  std::size_t start = pos;
  while (start > 0 && pos - start < kLongestV6 && is_v6(text[start - 1]) && unit_start(text, start - 1) == start - 1)
    --start;
  std::size_t end = pos;
  while (end < text.size() && end - pos < kLongestV6 && is_v6(text[end])) ++end;
  const std::size_t next = std::max(end, pos + 1);
  while (end > start &&
         (text[end - 1] == '.' || (text[end - 1] == ':' && !text.substr(start, end - start).ends_with("::"))))
    --end;
  if (end - start < 3 || end - start > kLongestV6) return next;
  const std::string_view address = text.substr(start, end - start);
  if (!like_an_address(address) || word_beside(text, start, end) || !parses(address)) return next;
  const bool named = hint_around(text, start, end) == Hint::ip;
  const double score = named ? 0.95 : 0.8;
  Reason why;
  why.add(Term::named, named);
  out.push_back({EntityType::ip_address, start, past_prefix_length(text, end), score, 0, why});
  return next;
}

}  // namespace tollgate::pii
