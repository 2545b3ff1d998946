#include "local_backend/tokenizer.h"

#include <algorithm>

#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace {

constexpr char kMark = '\xFF';

// Tokens found are appended to `out`; what lies between them goes to `rest(text, where it begins)`, which returns false
// to stop.
template <class Rest>
bool split_at(const AddedTokens& tokens, std::string_view text, std::vector<int>& out, Rest rest) {
  std::size_t from = 0;
  while (const auto match = tokens.next(text, from)) {
    if (!rest(text.substr(from, match->begin - from), from)) return false;
    out.push_back(match->id);
    from = match->end;
  }
  return rest(text.substr(from), from);
}

}  // namespace

Tokenizer::Tokenizer(TokenizerParts parts)
    : parts_(std::move(parts)), added_(std::move(parts_.added)), normalised_added_(std::move(parts_.normalised_added)) {
  std::size_t longest = 1;
  for (const auto& piece : parts_.pieces) longest = std::max(longest, piece.bytes.size());
  if (parts_.bpe->is_lossless()) most_bytes_ = longest * parts_.normalizer.shrink() * parts_.word_steps.shrink();
}

std::string Tokenizer::guard(std::string_view user_text) const {
  const std::string text = to_valid_utf8(user_text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    out.push_back(text[i]);
    // A special token in the text, or one that the text's end might begin and the template's next words complete.
    if (added_.special_may_begin(text, i)) out.push_back(kMark);
  }
  return out;
}

std::optional<std::vector<int>> Tokenizer::encode(std::string_view rendered) const {
  std::vector<int> ids;
  const bool good = split_at(added_, rendered, ids, [&](std::string_view segment, std::size_t at) {
    return encode_segment(segment, at == 0, ids);
  });
  if (!good) return std::nullopt;
  return ids;
}

bool Tokenizer::encode_segment(std::string_view marked, bool first, std::vector<int>& out) const {
  std::string text(marked);
  std::erase(text, kMark);
  if (text.empty()) return true;
  text = parts_.normalizer.apply(std::move(text), first);
  return split_at(normalised_added_, text, out,
                  [&](std::string_view part, std::size_t at) { return encode_words(part, first && at == 0, out); });
}

bool Tokenizer::encode_words(std::string_view text, bool first, std::vector<int>& out) const {
  if (text.empty()) return true;
  const std::string changed = parts_.word_steps.apply(std::string(text), first);
  if (parts_.splitter == nullptr) {
    parts_.bpe->encode(changed, out);
    return true;
  }
  return parts_.splitter->split(changed, [&](std::string_view word) { parts_.bpe->encode(word, out); });
}

std::string_view Tokenizer::bytes_of(int id) const {
  if (id < 0 || id >= size()) return {};
  const TokenizerParts::Piece& piece = parts_.pieces[static_cast<std::size_t>(id)];
  return piece.special ? std::string_view() : std::string_view(piece.bytes);
}

std::string_view Tokenizer::first_bytes_of(int id) const {
  std::string_view bytes = bytes_of(id);
  if (parts_.strips_first_space && bytes.starts_with(' ')) bytes.remove_prefix(1);
  return bytes;
}

std::string_view Tokenizer::added_token(int id) const {
  if (id < 0 || id >= size()) return {};
  const TokenizerParts::Piece& piece = parts_.pieces[static_cast<std::size_t>(id)];
  return piece.added ? std::string_view(piece.bytes) : std::string_view();
}

bool Tokenizer::is_special(int id) const {
  return id >= 0 && id < size() && parts_.pieces[static_cast<std::size_t>(id)].special;
}

}  // namespace tollgate::local_backend
