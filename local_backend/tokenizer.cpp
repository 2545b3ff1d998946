#include "local_backend/tokenizer.h"

#include <algorithm>
#include <stdexcept>

#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace {

constexpr char kMark = '\xFF';

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// ASCII case is ignored: a template may apply upper or lower.
bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string Tokenizer::guard(std::string_view user_text) const {
  const std::string text = to_valid_utf8(user_text);
  const std::string_view view = text;
  std::string out;
  out.reserve(text.size());
  // A special token in the text, or one that the text's end might begin and the template's next words complete.
  const auto begins_special = [&](std::size_t at) {
    return std::any_of(added_.begin(), added_.end(), [&](const Added& token) {
      const std::string_view rest = view.substr(at, token.spelling.size());
      return token.special && same_letters(rest, std::string_view(token.spelling).substr(0, rest.size()));
    });
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    out.push_back(text[i]);
    if (begins_special(i)) out.push_back(kMark);
  }
  return out;
}

const Tokenizer::Added* Tokenizer::added_at(std::string_view text, std::size_t at) const {
  for (const Added& token : added_) {
    if (text.substr(at, token.spelling.size()) == token.spelling) return &token;
  }
  return nullptr;
}

std::optional<std::vector<int>> Tokenizer::encode(std::string_view rendered) const {
  std::vector<int> ids;
  std::size_t start = 0;
  for (std::size_t at = 0; at < rendered.size();) {
    const Added* token = added_at(rendered, at);
    if (token == nullptr) {
      ++at;
      continue;
    }
    if (!encode_text(rendered.substr(start, at - start), ids)) return std::nullopt;
    ids.push_back(token->id);
    start = at = at + token->spelling.size();
  }
  if (!encode_text(rendered.substr(start), ids)) return std::nullopt;
  return ids;
}

bool Tokenizer::encode_text(std::string_view marked, std::vector<int>& out) const {
  std::string text(marked);
  std::erase(text, kMark);
  return pretokenizer_->split(text, [&](std::string_view word) { bpe_->encode(word, out); });
}

std::string_view Tokenizer::bytes_of(int id) const {
  if (id < 0 || id >= size()) return {};
  const Piece& piece = pieces_[static_cast<std::size_t>(id)];
  return piece.special ? std::string_view() : std::string_view(piece.bytes);
}

std::string_view Tokenizer::added_token(int id) const {
  if (id < 0 || id >= size()) return {};
  const Piece& piece = pieces_[static_cast<std::size_t>(id)];
  return piece.added ? std::string_view(piece.bytes) : std::string_view();
}

bool Tokenizer::is_special(int id) const {
  return id >= 0 && id < size() && pieces_[static_cast<std::size_t>(id)].special;
}

}  // namespace tollgate::local_backend
