// Groups of digits that stand together: what all detectors of numbers look at.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "pii/detect.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kMaxGap = 3;                     // separators between two groups
constexpr std::size_t kMaxBack = 48;                   // units looked at before the trigger
constexpr std::size_t kMaxGroups = Groups::kMost - 1;  // of one cluster; longer ones are read in overlapping pieces
constexpr std::size_t kOverlapGroups = 24;             // more than one value can have

constexpr bool is_gap(char c) {
  return is_space(c) || c == '-' || c == '.' || c == '/' || c == '(' || c == ')' || c == '*';
}

enum class Part : std::uint8_t { other, digit, gap, unit };  // unit: of several bytes, perhaps

constexpr auto kParts = [] {
  std::array<Part, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool marked = c == '\\' || c == '%' || c == '&' || c == '*' || c == '<';
    out[i] = i >= 0x80 || marked ? Part::unit : is_digit(c) ? Part::digit : is_gap(c) ? Part::gap : Part::other;
  }
  return out;
}();

// The next function where every byte is a character.
std::size_t plain_cluster_start(std::string_view text, std::size_t pos, std::size_t floor) {
  const std::size_t furthest = std::max(floor, pos - std::min(pos, kMaxBack));
  std::size_t first = pos;
  std::size_t gap = 0;
  while (pos > furthest) {
    const Part part = kParts[static_cast<unsigned char>(text.data()[--pos])];
    if (part == Part::digit) {
      first = pos;
      gap = 0;
    } else if (part == Part::other || ++gap > kMaxGap) {
      break;
    }
  }
  return first;
}

// The start of the first digit of the cluster that the digit at `pos` belongs to. `before`: what stands before it.
std::size_t cluster_start(std::string_view text, std::size_t pos, std::size_t floor, const ByteClasses& before) {
  constexpr std::size_t kLongestUnit = 12;
  static_assert(kMaxBack + kLongestUnit <= kMostClassified);
  if (before.plain()) return plain_cluster_start(text, pos, floor);
  std::size_t first = pos;
  std::size_t gap = 0;
  for (std::size_t i = 0; i < kMaxBack && pos > floor; ++i) {
    const Unit unit = unit_before(text, pos);
    if (unit.length > pos - floor) break;
    pos -= unit.length;
    if (is_digit(unit.c)) {
      first = pos;
      gap = 0;
    } else if (unit.c != kInvisible && (!is_gap(unit.c) || ++gap > kMaxGap)) {
      break;
    }
  }
  return first;
}

// Splits the folded text into groups.
void find_groups(Cluster& cluster) {
  const auto chars = cluster.chars;
  for (std::size_t i = 0; i < chars.size(); ++i) {
    const std::size_t at = i;
    while (i < chars.size() && is_digit(chars[i])) ++i;
    if (i > at) cluster.groups.add(chars.data(), at, i - at);
  }
  cluster.join_digits();
}

// The usual case of the next function: all of the cluster lies in the 64 bytes from its start. By bits, and with copies
// of one length: where a loop over digits ends cannot be guessed, and each wrong guess costs as much as five of them.
// False, and nothing known: look again.
bool read_near_cluster(std::string_view text, Cluster& out) {
  constexpr std::size_t kLongestGroup = 16;
  if (text.size() - out.start < kMostClassified + kLongestGroup) return false;
  const char* const chars = text.data() + out.start;
  const std::uint64_t digits = classify(text, out.start, kMostClassified).digit;
  out.joined.resize(std::max(out.joined.size(), kMostClassified + kLongestGroup));
  char* to = out.joined.data();
  for (std::size_t at = 0;;) {
    const auto length = static_cast<std::size_t>(std::countr_one(digits >> at));
    if (length == 0 || length > kLongestGroup || at + length == kMostClassified) break;
    out.groups.add(chars, at, length);
    std::memcpy(to, chars + at, kLongestGroup);
    to += length;
    at += length;
    const std::size_t end = at;
    while (at - end < kMaxGap && at < kMostClassified && kParts[static_cast<unsigned char>(chars[at])] == Part::gap)
      ++at;
    const Part part = at < kMostClassified ? kParts[static_cast<unsigned char>(chars[at])] : Part::unit;
    if (part == Part::digit) continue;
    if (part == Part::unit) break;
    out.end = out.start + end;
    out.chars = {chars, end};
    out.digits = {out.joined.data(), static_cast<std::size_t>(to - out.joined.data())};
    return true;
  }
  out.groups.clear();
  return false;
}

// The usual case: every byte that matters is a character. `out.start` is set. False: it is not so, or the cluster is
// too long to hold.
bool read_plain_cluster(std::string_view text, Cluster& out) {
  const char* const chars = text.data() + out.start;
  const std::size_t size = text.size() - out.start;
  std::size_t end = 0;  // of the last group
  for (std::size_t at = 0; at < size; ++at) {
    const Part part = kParts.data()[static_cast<unsigned char>(chars[at])];
    if (part == Part::digit) {
      const std::size_t first = at;
      while (at < size && is_digit(chars[at])) ++at;
      if (out.groups.size() == kMaxGroups) return false;
      out.groups.add(chars, first, at - first);
      end = at--;
      continue;
    }
    if (part == Part::unit) return false;
    if (part == Part::other || at - end == kMaxGap) break;
  }
  out.end = out.start + end;
  out.chars = {chars, end};
  return true;
}

}  // namespace

void Cluster::clear() {
  chars = digits = {};
  if (!plain()) folded.clear();
  groups.clear();
  hints.clear();
}

void Cluster::join_digits() {
  constexpr std::size_t kUsual = 48;
  if (groups.size() == 1) {
    digits = chars.substr(groups[0].at, groups[0].length);
    return;
  }
  const std::size_t count = groups.empty() ? 0 : groups.back().digits_before + groups.back().length;
  if (joined.size() < count) joined.resize(std::max(count, kUsual));
  char* to = joined.data();
  for (const Group& group : groups) {
    const char* from = chars.data() + group.at;
    const char* const behind = from + group.length;
    while (from != behind) *to++ = *from++;  // a few: a call of memcpy costs more
  }
  digits = {joined.data(), count};
}

namespace {

// Unit by unit, into `out.folded`. True: the cluster goes on behind what there is room for.
bool read_folded_cluster(std::string_view text, Cluster& out) {
  std::size_t at = out.start;
  std::size_t gap = 0;
  std::size_t groups = 0;
  bool in_group = false;
  while (at < text.size() && groups <= kMaxGroups) {
    const Unit unit = unit_at(text, at);
    const std::size_t start = at;
    at += unit.length;
    if (unit.c == kInvisible) continue;
    if (is_digit(unit.c)) {
      groups += in_group ? 0 : 1;
      in_group = true;
      gap = 0;
      out.end = at;
    } else {
      in_group = false;
      if (!is_gap(unit.c) || ++gap > kMaxGap) break;
    }
    out.folded.push(unit.c, {start, at});
  }
  out.chars = out.folded.text;
  find_groups(out);
  return groups > kMaxGroups;
}

}  // namespace

std::size_t read_cluster(std::string_view text, std::size_t pos, std::size_t floor, const ByteClasses& before,
                         Cluster& out) {
  out.clear();
  out.before = before;
  out.start = out.end = cluster_start(text, pos, floor, out.before);
  if (out.start != pos) out.before = classify_before(text, out.start);
  const bool near = read_near_cluster(text, out);
  if (near || read_plain_cluster(text, out)) {
    if (!near) out.join_digits();
    out.hints.share(text, out.start, out.end);
    return out.end;
  }
  const std::size_t start = out.start;
  out.clear();
  out.start = out.end = start;
  return read_folded_cluster(text, out) ? out.start_of(out.groups.size() - kOverlapGroups) : out.end;
}

}  // namespace tollgate::pii
