#include "pii/literals.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "pii/unit.h"

namespace tollgate::pii {
namespace {

// How often a byte stands in chat and code, in thousandths: only the order of size matters.
constexpr double weight(unsigned char c) {
  constexpr std::array kLetters = {82, 15, 28, 43, 127, 22, 20, 61, 70, 2,  8, 40, 24,
                                   67, 75, 19, 1,  60,  63, 91, 28, 10, 24, 2, 20, 1};
  if (c >= 'a' && c <= 'z') return kLetters[c - 'a'];
  if (c == ' ') return 180;
  if (c >= '0' && c <= '9') return 8;
  if (c == '"' || c == ',' || c == '.' || c == ':') return 15;
  return c < 0x20 || c >= 0x80 ? 1 : 4;
}

constexpr auto kWeights = [] {
  std::array<double, 256> out{};
  for (std::size_t c = 0; c < out.size(); ++c) out[c] = weight(static_cast<unsigned char>(c));
  return out;
}();

// Nibble by nibble: most sets have two or three of each.
double weight(const ByteSet& set) {
  double out = 0;
  for (unsigned high = set.high; high != 0; high &= high - 1)
    for (unsigned low = set.low; low != 0; low &= low - 1)
      out += kWeights[static_cast<std::size_t>(std::countr_zero(high) * 16 + std::countr_zero(low))];
  return out;
}

double weight(const Triple& triple) { return weight(triple[0]) * weight(triple[1]) * weight(triple[2]); }

void add_both_cases(ByteSet& set, char c) {
  set.add(static_cast<unsigned char>(to_lower(c)));
  set.add(static_cast<unsigned char>(to_upper(c)));
}

void add(Triple& triple, std::string_view three) {
  for (std::size_t i = 0; i < 3; ++i) add_both_cases(triple[i], three[i]);
}

// The offset of the three characters that text has least often.
std::size_t rarest(std::string_view literal) {
  std::size_t best = 0;
  double lowest = 0;
  for (std::size_t at = 0; at + 3 <= literal.size(); ++at) {
    Triple triple;
    add(triple, literal.substr(at, 3));
    const double w = weight(triple);
    if (at == 0 || w < lowest) best = at, lowest = w;
  }
  return best;
}

// Bit 5 is all that tells the case of a letter; what else it makes equal is told apart later.
std::uint32_t key_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])); };
  return (byte(0) | (byte(1) << 8U) | (byte(2) << 16U)) | 0x202020U;
}

std::size_t slot_of(std::uint32_t key) { return (key * 0x9E3779B1U) >> 20U; }

// Each in the bucket that it widens least, the commonest first.
std::array<BytePatterns, 2> share_out(std::vector<std::string_view> threes) {
  const auto own = [](std::string_view three) {
    double out = 1;
    for (const char c : three) out *= weight(static_cast<unsigned char>(to_lower(c)));
    return out;
  };
  std::ranges::sort(threes, [&](auto a, auto b) { return own(a) != own(b) ? own(a) > own(b) : a < b; });
  std::array<Triple, 16> buckets{};
  for (const auto three : threes) {
    const auto growth = [&](const Triple& bucket) {
      Triple with = bucket;
      add(with, three);
      return weight(with) - weight(bucket);
    };
    auto* best = std::ranges::min_element(buckets, {}, growth);
    add(*best, three);
  }
  Buckets first{};
  Buckets second{};
  std::copy_n(buckets.begin(), first.size(), first.begin());
  std::copy_n(buckets.begin() + first.size(), second.size(), second.begin());
  return {BytePatterns(first), BytePatterns(second)};
}

std::vector<std::string_view> anchors_of(const std::vector<std::string_view>& literals) {
  std::vector<std::string_view> out;
  for (const auto literal : literals) out.push_back(literal.substr(rarest(literal), 3));
  return out;
}

}  // namespace

bool has_at(std::string_view text, std::size_t at, std::string_view literal) {
  if (at > text.size() || literal.size() > text.size() - at) return false;
  return std::equal(literal.begin(), literal.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, char b) { return to_lower(a) == to_lower(b); });
}

LiteralSet::LiteralSet(std::vector<std::string_view> literals)
    : literals_(std::move(literals)), patterns_(share_out(anchors_of(literals_))) {
  for (std::size_t i = 0; i < literals_.size(); ++i) {
    const std::size_t offset = rarest(literals_[i]);
    anchors_.push_back(
        {key_at(literals_[i], offset), static_cast<std::uint16_t>(i), static_cast<std::uint8_t>(offset)});
  }
  std::ranges::sort(anchors_, [this](const Anchor& a, const Anchor& b) {
    if (slot_of(a.key) != slot_of(b.key)) return slot_of(a.key) < slot_of(b.key);
    const auto size = [this](const Anchor& x) { return literals_[x.literal].size(); };
    return size(a) != size(b) ? size(a) > size(b) : a.literal < b.literal;
  });
  for (const auto& anchor : anchors_) ++first_[slot_of(anchor.key) + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
}

LiteralFinder::LiteralFinder(const LiteralSet& set, std::string_view text, bool portable)
    : set_(&set), text_(text), finder_(set.patterns_, text, portable) {}

bool LiteralFinder::next(LiteralMatch& out) {
  for (;;) {
    for (; anchor_ < last_; ++anchor_) {
      const auto& anchor = set_->anchors_[anchor_];
      const std::size_t at = pos_ - 1;  // pos_ is already behind
      if (at < anchor.offset || !has_at(text_, at - anchor.offset, set_->literals_[anchor.literal])) continue;
      out = {anchor.literal, at - anchor.offset};
      ++anchor_;
      return true;
    }
    const std::size_t at = finder_.next(pos_);
    if (at + 3 > text_.size()) return false;
    const std::size_t slot = slot_of(key_at(text_, at));
    anchor_ = set_->first_[slot];
    last_ = set_->first_[slot + 1];
    pos_ = at + 1;
  }
}

}  // namespace tollgate::pii
