#include "local_backend/added_tokens.h"

#include <algorithm>

#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::size_t bucket(char first) { return static_cast<unsigned char>(lower(first)); }

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// Where the character before `at` begins. REQUIRES: at > 0
std::size_t before(std::string_view text, std::size_t at) {
  --at;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0 && is_word(decode_utf8(text, before(text, begin)).code_point)) return false;
  return end == text.size() || !is_word(decode_utf8(text, end).code_point);
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return std::pair(b.spelling.size(), a.id) < std::pair(a.spelling.size(), b.id);
  });
  for (std::size_t i = 0; i < tokens_.size(); ++i) starts_[bucket(tokens_[i].spelling.front())].push_back(i);
}

const AddedToken* AddedTokens::longest_at(std::string_view text, std::size_t at) const {
  for (const std::size_t i : starts_[bucket(text[at])]) {
    if (text.substr(at).starts_with(tokens_[i].spelling)) return &tokens_[i];
  }
  return nullptr;
}

std::optional<AddedTokens::Match> AddedTokens::next(std::string_view text, std::size_t from) const {
  for (std::size_t at = from; at < text.size(); ++at) {
    const AddedToken* token = longest_at(text, at);
    if (token == nullptr) continue;
    Match match{at, at + token->spelling.size(), token->id};
    if (token->single_word && !stands_alone(text, match.begin, match.end)) {
      at = match.end - 1;
      continue;
    }
    while (token->left_strip && match.begin > from) {
      const std::size_t start = before(text, match.begin);
      if (start < from || !is_space(decode_utf8(text, start).code_point)) break;
      match.begin = start;
    }
    while (token->right_strip && match.end < text.size()) {
      const Decoded d = decode_utf8(text, match.end);
      if (!is_space(d.code_point)) break;
      match.end += d.length;
    }
    return match;
  }
  return std::nullopt;
}

bool AddedTokens::special_may_begin(std::string_view text, std::size_t at) const {
  const auto& candidates = starts_[bucket(text[at])];
  return std::any_of(candidates.begin(), candidates.end(), [&](std::size_t i) {
    const AddedToken& token = tokens_[i];
    const std::string_view rest = text.substr(at, token.spelling.size());
    return token.special && same_letters(rest, std::string_view(token.spelling).substr(0, rest.size()));
  });
}

}  // namespace tollgate::local_backend
