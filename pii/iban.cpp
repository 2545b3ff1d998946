// IBANs: country, check digits, and the length that the country prescribes.
#include <optional>
#include <string>

#include "pii/checks.h"
#include "pii/detect.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kBack = 16;   // units before the digits: two letters, check digits, bank code, separators
constexpr std::size_t kMaxGap = 2;  // separators between two characters

bool is_gap(char c) { return is_space(c) || c == '-' || c == '.' || c == '*'; }

// Reads exactly `length` letters and digits, of one case, from `pos`. Returns the end, or nothing.
std::optional<std::size_t> read(std::string_view text, std::size_t pos, std::size_t length, std::string& out) {
  bool upper = false;
  bool lower = false;
  std::size_t gap = 0;
  while (pos < text.size() && out.size() < length) {
    const Unit unit = unit_at(text, pos);
    pos += unit.length;
    if (unit.c == kInvisible) continue;
    if (is_alnum(unit.c)) {
      upper |= is_upper(unit.c);
      lower |= is_lower(unit.c);
      out.push_back(to_upper(unit.c));
      gap = 0;
    } else if (!is_gap(unit.c) || ++gap > kMaxGap) {
      return std::nullopt;
    }
  }
  if (out.size() < length || (upper && lower)) return std::nullopt;
  if (pos < text.size() && is_alnum(unit_at(text, pos).c)) return std::nullopt;
  return pos;
}

// Folds the units before `end`, as far as an IBAN may have begun there.
void fold_back(std::string_view text, std::size_t end, Folded& out) {
  std::size_t starts[kBack];
  std::size_t count = 0;
  for (std::size_t pos = end; count < kBack && pos > 0;) {
    const Unit unit = unit_before(text, pos);
    if (unit.c != kInvisible && !is_alnum(unit.c) && !is_gap(unit.c)) break;
    pos -= unit.length;
    if (unit.c != kInvisible) starts[count++] = pos;
  }
  for (; count > 0; --count) {
    const std::size_t start = starts[count - 1];
    const Unit unit = unit_at(text, start);
    out.push(unit.c, {start, start + unit.length});
  }
}

// Tries an IBAN whose two letters and two check digits start at unit i of `head`.
void try_at(std::string_view text, const Folded& head, std::size_t i, Findings& out) {
  const std::string& s = head.text;
  if (!is_alpha(s[i]) || !is_alpha(s[i + 1]) || !is_digit(s[i + 2]) || !is_digit(s[i + 3])) return;
  const std::size_t start = head.places[i].start;
  const bool ascii_before = start > 0 && static_cast<unsigned char>(text[start - 1]) < 0x80;
  if (ascii_before && is_alnum(unit_before(text, start).c)) return;
  const std::size_t length = iban_length(to_upper(s[i]), to_upper(s[i + 1]));
  if (length == 0) return;
  std::string iban;
  const auto end = read(text, start, length, iban);
  if (end && iban_valid(iban)) out.push_back({EntityType::iban_code, start, *end, 1.0});
}

}  // namespace

void detect_iban(std::string_view text, const Cluster& cluster, Findings& out) {
  Folded head;
  fold_back(text, cluster.start, head);
  // The check digits may be the first two of the cluster, or, where a bank code of letters follows, stand before it.
  for (std::size_t i = 0; i < 2 && i < cluster.folded.size(); ++i)
    head.push(cluster.folded.text[i], cluster.folded.places[i]);
  for (std::size_t i = 0; i + 4 <= head.size(); ++i) try_at(text, head, i, out);
}

}  // namespace tollgate::pii
