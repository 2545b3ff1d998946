#pragma once
// What a token looks like from the outside.
#include <algorithm>
#include <string_view>

#include "pii/pii.h"

namespace tollgate::pii {

// 32 characters that a model copies and a person reads without doubt: small letters without l and o, digits 2-9.
inline constexpr std::string_view kTokenAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";

// Whether `text` starts with something of a token's form, ours or not.
inline bool starts_with_token(std::string_view text) {
  if (text.size() < kTokenLength || !text.starts_with(kTokenPrefix)) return false;
  const auto body = text.substr(kTokenPrefix.size() + 2, kTokenLength - kTokenPrefix.size() - 2);
  return body.find_first_not_of(kTokenAlphabet) == std::string_view::npos;
}

}  // namespace tollgate::pii
