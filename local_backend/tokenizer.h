#pragma once
// Text to ids and back, as tokenizer.json (byte-level BPE, or BPE over characters with bytes as a fallback) or
// SentencePiece's tokenizer.model say.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local_backend/added_tokens.h"
#include "local_backend/bpe.h"
#include "local_backend/pretokenizer.h"
#include "local_backend/text_steps.h"

namespace tollgate::local_backend {

// What a tokenizer file says, read and checked.
struct TokenizerParts {
  struct Piece {
    std::string bytes;  // text: what it stands for; added: its spelling
    bool added = false;
    bool special = false;
  };

  const char* kind = "";      // "byte-level BPE", "BPE", "SentencePiece BPE"
  std::vector<Piece> pieces;  // by id
  // Special ones, and others that are looked for in the text as it comes.
  std::vector<AddedToken> added;
  // Those that are looked for in normalised text; spelled so.
  std::vector<AddedToken> normalised_added;
  TextSteps normalizer;
  TextSteps word_steps;                    // after the added tokens were taken out
  std::unique_ptr<Pretokenizer> splitter;  // null: the text is one word
  std::unique_ptr<Bpe> bpe;
  bool strips_first_space = false;  // the first space of an answer is the tokenizer's, not the model's
};

// Immutable after construction; thread-safe.
class Tokenizer {
 public:
  // Both throw std::runtime_error that names the component this runtime does not implement.
  static Tokenizer parse(std::string_view json, const std::string& what);
  static Tokenizer parse_sentencepiece(std::string_view file, const std::string& what);

  explicit Tokenizer(TokenizerParts parts);

  // User text as it may go into a chat template: valid UTF-8, and with a mark (a byte that UTF-8 never contains) inside
  // everything that would read as a special token. encode() drops the marks after the special tokens were found.
  std::string guard(std::string_view user_text) const;

  // Ids of a rendered template: special tokens become their ids, all else goes through BPE. nullopt when the pattern's
  // engine hits its limit.
  std::optional<std::vector<int>> encode(std::string_view rendered) const;

  // The bytes a token stands for; empty for special tokens and ids without text.
  std::string_view bytes_of(int id) const;
  // The same for a token that begins an answer: some tokenizers write a space before every text.
  std::string_view first_bytes_of(int id) const;
  // The spelling of a special or other added token; empty for others.
  std::string_view added_token(int id) const;
  bool is_special(int id) const;

  const char* kind() const { return parts_.kind; }
  int size() const { return static_cast<int>(parts_.pieces.size()); }
  // No text of this many bytes can be fewer than this many tokens.
  std::size_t least_tokens(std::size_t bytes) const { return most_bytes_ == 0 ? 0 : bytes / most_bytes_; }

 private:
  bool encode_segment(std::string_view marked, bool first, std::vector<int>& out) const;
  bool encode_words(std::string_view text, bool first, std::vector<int>& out) const;

  TokenizerParts parts_;
  AddedTokens added_;
  AddedTokens normalised_added_;
  std::size_t most_bytes_ = 0;  // of text that one token can stand for; 0: there is no bound
};

}  // namespace tollgate::local_backend
