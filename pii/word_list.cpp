#include "pii/word_list.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kKeyBytes = 8;
constexpr unsigned kFilterBits = 18;   // 32 KiB: stays in the first cache, lets through 4 % with 10,000 entries
constexpr std::size_t kWidestGap = 3;  // characters between two words of a phrase

// The letters of U+00C0 to U+017F (Latin-1 Supplement, Latin Extended-A) without their accents; '-': no letter. One
// letter stands for two where they are written together (æ, œ, þ).
constexpr std::string_view kPlain =
    "aaaaaaaceeeeiiiidnooooo-ouuuuytsaaaaaaaceeeeiiiidnooooo-ouuuuyty"   // U+00C0
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"   // U+0100
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";  // U+0140
static_assert(kPlain.size() == 192);

struct Letter {
  char c = kOther;  // folded; kInvisible: a combining accent; kOther: no part of a word; kLetter: copied as it is
  std::size_t length = 1;
};

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

// What stands at `at`. Bytes of other alphabets are letters, one by one; the punctuation of U+0080 to U+00BF and of
// U+2000 to U+203F is none.
Letter letter_at(std::string_view text, std::size_t at) {
  const char c = text[at];
  const auto byte = static_cast<std::uint8_t>(c);
  if (byte < 0x80) return {is_alnum(c) ? to_lower(c) : kOther, 1};
  const std::uint8_t next = at + 1 < text.size() ? byte_at(text, at + 1) : 0;
  if (byte == 0xC2) return {kOther, 2};
  if (byte >= 0xC3 && byte <= 0xC5) {
    const char plain = kPlain[(byte - 0xC3U) * 64U + (next & 0x3FU)];
    return {plain == '-' ? kOther : plain, 2};
  }
  if (byte == 0xCC || (byte == 0xCD && next < 0xB0)) return {kInvisible, 2};
  if (byte == 0xE2 && next == 0x80) return {kOther, 3};
  return {kLetter, 1};
}

bool in_word(const Letter& letter) { return letter.c != kOther; }

// Appends the folded word at `at` to `out`, as far as `limit` bytes, and returns where it ends.
std::size_t fold_word(std::string_view text, std::size_t at, std::size_t limit, std::string& out) {
  const std::size_t before = out.size();
  while (at < text.size()) {
    const Letter letter = letter_at(text, at);
    if (!in_word(letter) || out.size() - before >= limit) break;
    if (text.substr(at, 2) == "\xC3\x9F") out.push_back('s');  // ß is ss
    if (letter.c != kInvisible) out.push_back(letter.c == kLetter ? text[at] : letter.c);
    at = std::min(text.size(), at + letter.length);
  }
  return at;
}

std::uint64_t key_of(std::string_view folded) {
  std::uint64_t key = 0;
  std::memcpy(&key, folded.data(), std::min(folded.size(), kKeyBytes));
  return key;
}

std::size_t filter_bit(std::uint64_t key) { return (key * 0x9E3779B97F4A7C15U) >> (64U - kFilterBits); }

constexpr std::uint64_t kHigh = 0x8080808080808080U;
constexpr std::uint64_t each(std::uint8_t byte) { return 0x0101010101010101U * byte; }
// The high bit of each byte that lies in [first, last]. Means nothing where a byte is 0x80 or above.
constexpr std::uint64_t in_range(std::uint64_t bytes, char first, char last) {
  const auto from = static_cast<std::uint8_t>(0x80 - first);
  const auto past = static_cast<std::uint8_t>(0x80 - last - 1);
  return (bytes + each(from)) & ~(bytes + each(past)) & kHigh;
}

constexpr std::size_t kBlock = 64;
constexpr std::size_t kStep = kBlock - kKeyBytes;  // a word that starts in a step shows its key in the block

struct Block {
  std::uint64_t words = 0;  // a bit per byte: letter or digit
  bool ascii = true;        // otherwise `words` says nothing
};

// REQUIRES: kBlock bytes at `bytes`.
Block read_block(const char* bytes) {
  Block out;
  std::uint64_t high = 0;
  for (std::size_t i = 0; i < kBlock / 8; ++i) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes + 8 * i, sizeof eight);
    high |= eight;
    const std::uint64_t found = in_range(eight | each(0x20), 'a', 'z') | in_range(eight, '0', '9');
    out.words |= (((found >> 7U) * 0x0102040810204080U) >> 56U) << (8 * i);  // the high bits, side by side
  }
  out.ascii = (high & kHigh) == 0;
  return out;
}

// The key of the word at `bytes`, of which `words` tells the letters and digits. Small letters differ from capitals in
// one bit, which digits have too.
std::uint64_t key_at(const char* bytes, std::uint64_t words) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, bytes, sizeof eight);
  const auto length = static_cast<unsigned>(std::countr_one(words));
  const std::uint64_t mask = length >= kKeyBytes ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * length)) - 1;
  return (eight | each(0x20)) & mask;
}

std::size_t skip_word(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Letter letter = letter_at(text, at);
    if (!in_word(letter)) break;
    at += letter.length;
  }
  return std::min(at, text.size());
}

std::size_t skip_gap(std::string_view text, std::size_t at, std::size_t most) {
  for (std::size_t seen = 0; at < text.size() && seen < most; ++seen) {
    const Letter letter = letter_at(text, at);
    if (in_word(letter)) break;
    at += letter.length;
  }
  return std::min(at, text.size());
}

}  // namespace

std::string fold_words(std::string_view text) {
  std::string out;
  for (std::size_t at = skip_gap(text, 0, text.size()); at < text.size(); at = skip_gap(text, at, text.size())) {
    if (!out.empty()) out.push_back(' ');
    at = fold_word(text, at, text.size(), out);
  }
  return out;
}

WordList::WordList(const std::vector<std::string>& entries) : filter_((1U << kFilterBits) / 64) {
  for (const auto& entry : entries) {
    std::string folded = fold_words(entry);
    if (folded.empty() || folded.size() > kLongestEntry) continue;
    std::string first = folded.substr(0, folded.find(' '));
    const std::size_t bit = filter_bit(key_of(first));
    filter_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    by_first_word_[std::move(first)].push_back(std::move(folded));
  }
  for (auto& [first, same] : by_first_word_)
    std::sort(same.begin(), same.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

bool WordList::may_start(std::uint64_t key) const {
  const std::size_t bit = filter_bit(key);
  return ((filter_[bit / 64] >> (bit % 64)) & 1U) != 0;
}

std::size_t WordList::match_at(std::string_view text, std::size_t at) const {
  std::string folded;
  std::size_t end = fold_word(text, at, kLongestEntry, folded);
  const auto found = by_first_word_.find(folded);
  if (found == by_first_word_.end()) return at;
  std::vector<std::size_t> ends{end};  // of the first word, the second, ...
  std::vector<std::size_t> sizes{folded.size()};
  const std::size_t longest = found->second.front().size();
  while (folded.size() < longest) {
    const std::size_t next = skip_gap(text, end, kWidestGap);
    if (next == end || next == text.size() || !in_word(letter_at(text, next))) break;
    folded.push_back(' ');
    end = fold_word(text, next, kLongestEntry, folded);
    ends.push_back(end);
    sizes.push_back(folded.size());
  }
  for (const auto& entry : found->second) {
    const auto size = std::find(sizes.begin(), sizes.end(), entry.size());
    if (size != sizes.end() && folded.starts_with(entry)) return ends[static_cast<std::size_t>(size - sizes.begin())];
  }
  return at;
}

std::size_t WordList::find_in_block(std::string_view text, std::size_t at, std::uint64_t words, bool& inside,
                                    std::vector<Match>& out) const {
  constexpr std::uint64_t kInStep = (std::uint64_t{1} << kStep) - 1;
  std::uint64_t starts = words & ~((words << 1U) | std::uint64_t{inside}) & kInStep;
  for (; starts != 0; starts &= starts - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(starts));
    const std::size_t start = at + i;
    if (!may_start(key_at(text.data() + start, words >> i))) continue;
    const std::size_t end = match_at(text, start);
    if (end == start) continue;
    out.push_back({start, end});
    inside = false;
    return end;
  }
  inside = ((words >> (kStep - 1)) & 1U) != 0;
  return at + kStep;
}

std::size_t WordList::find_by_letter(std::string_view text, std::size_t at, bool& inside,
                                     std::vector<Match>& out) const {
  const std::size_t limit = at + kStep;
  if (inside) at = skip_word(text, at);
  inside = false;
  std::string folded;
  for (at = skip_gap(text, at, text.size()); at < std::min(limit, text.size());) {
    folded.clear();
    fold_word(text, at, kKeyBytes, folded);
    std::size_t end = may_start(key_of(folded)) ? match_at(text, at) : at;
    if (end != at)
      out.push_back({at, end});
    else
      end = skip_word(text, at);
    at = skip_gap(text, end, text.size());
  }
  return at;
}

void WordList::find(std::string_view text, std::vector<Match>& out) const {
  if (empty()) return;
  bool inside = false;  // the character before `at` belongs to a word
  for (std::size_t at = 0; at < text.size();) {
    Block block;
    if (text.size() - at >= kBlock) block = read_block(text.data() + at);
    if (block.ascii && text.size() - at >= kBlock)
      at = find_in_block(text, at, block.words, inside, out);
    else
      at = find_by_letter(text, at, inside, out);
  }
}

}  // namespace tollgate::pii
