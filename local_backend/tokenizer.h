#pragma once
// tokenizer.json (byte-level BPE, as the Hugging Face library writes it): text to ids and back.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "local_backend/bpe.h"
#include "local_backend/pretokenizer.h"

namespace tollgate::local_backend {

// Immutable after construction; thread-safe.
class Tokenizer {
 public:
  // Throws std::runtime_error that names the component this runtime does not implement.
  static Tokenizer parse(std::string_view json, const std::string& what);

  // User text as it may go into a chat template: valid UTF-8, and with a mark (a byte that UTF-8 never contains) inside
  // everything that would read as a special token. encode() drops the marks after the special tokens were found.
  std::string guard(std::string_view user_text) const;

  // Ids of a rendered template: special tokens become their ids, all else goes through BPE. nullopt when the pattern's
  // engine hits its limit.
  std::optional<std::vector<int>> encode(std::string_view rendered) const;

  // The bytes a token stands for; empty for special tokens and ids without text.
  std::string_view bytes_of(int id) const;
  // The spelling of a special or other added token; empty for others.
  std::string_view added_token(int id) const;
  bool is_special(int id) const;

  int size() const { return static_cast<int>(pieces_.size()); }
  // No text of this many bytes can be fewer than this many tokens.
  std::size_t least_tokens(std::size_t bytes) const { return bytes / longest_piece_; }

 private:
  struct Piece {
    std::string bytes;  // text: what it stands for; added: its spelling
    bool added = false;
    bool special = false;
  };
  struct Added {
    std::string spelling;
    int id;
    bool special;
  };
  Tokenizer() = default;
  bool encode_text(std::string_view marked, std::vector<int>& out) const;
  const Added* added_at(std::string_view text, std::size_t at) const;

  std::unique_ptr<Pretokenizer> pretokenizer_;
  std::unique_ptr<Bpe> bpe_;
  std::vector<Piece> pieces_;  // by id
  std::vector<Added> added_;   // longest first
  std::size_t longest_piece_ = 1;

  friend class TokenizerReader;
};

}  // namespace tollgate::local_backend
