#include <algorithm>
#include <cstring>

#include "pii/pii.h"

namespace tollgate::pii {

void RestoreMap::add(std::string token, std::string value) {
  by_token_.try_emplace(std::move(token), std::move(value));
}

const std::string* RestoreMap::value_of(std::string_view token) const {
  const auto it = by_token_.find(token);
  return it == by_token_.end() ? nullptr : &it->second;
}

bool RestoreMap::starts_a_token(std::string_view prefix) const {
  const auto it = by_token_.lower_bound(prefix);
  return it != by_token_.end() && it->first.starts_with(prefix);
}

namespace {

// RFC 8259 §7.
void append_json_escaped(std::string_view value, std::string& out) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : value) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
          out += "\\u00";
          out += kHex[byte >> 4U];
          out += kHex[byte & 15U];
        } else {
          out += c;
        }
    }
  }
}

}  // namespace

// What happens at a position depends on the kTokenLength bytes from there only, so cutting the text changes nothing.
std::size_t StreamRestorer::consume(std::string_view text, std::string& out) {
  std::size_t copied = 0;  // everything before is in `out`
  std::size_t at = 0;
  while (at < text.size()) {
    const void* hit = std::memchr(text.data() + at, kTokenPrefix[0], text.size() - at);
    if (hit == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
    const auto candidate = text.substr(at, kTokenLength);
    if (candidate.size() < kTokenLength) {
      if (map_->starts_a_token(candidate)) {
        out.append(text, copied, at - copied);
        return at;
      }
    } else if (candidate.starts_with(kTokenPrefix)) {
      if (const std::string* value = map_->value_of(candidate)) {
        out.append(text, copied, at - copied);
        mode_ == RestoreMode::json ? append_json_escaped(*value, out) : void(out += *value);
        ++restored_;
        copied = at += kTokenLength;
        continue;
      }
    }
    ++at;
  }
  out.append(text, copied);
  return text.size();
}

void StreamRestorer::hold(std::string_view text) {
  held_size_ = static_cast<std::uint8_t>(text.copy(held_.data(), held_.size()));
}

void StreamRestorer::feed(std::string_view piece, std::string& out) {
  if (held_size_ != 0) {
    // What was held back, and as much of what follows as decides about every byte of it.
    std::array<char, 2 * kTokenLength> joined{};
    std::copy_n(held_.data(), held_size_, joined.data());
    const std::size_t size = held_size_ + piece.copy(joined.data() + held_size_, kTokenLength);
    const std::size_t certain = consume({joined.data(), size}, out);
    if (certain < held_size_) return hold({joined.data() + certain, size - certain});
    piece.remove_prefix(certain - held_size_);
    held_size_ = 0;
  }
  hold(piece.substr(consume(piece, out)));
}

void StreamRestorer::finish(std::string& out) {
  out.append(held_.data(), held_size_);
  held_size_ = 0;
}

}  // namespace tollgate::pii
