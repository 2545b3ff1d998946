#pragma once
// The tokens that are found in text before it is cut into words: special ones such as <|im_end|>, and others that a
// model's makers added.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::local_backend {

struct AddedToken {
  std::string spelling;
  int id = 0;
  bool special = false;
  bool left_strip = false;   // takes the white space before it
  bool right_strip = false;  // takes the white space after it
  bool single_word = false;  // only where no character of a word touches it
};

// Immutable after construction; thread-safe.
class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  struct Match {
    std::size_t begin;
    std::size_t end;
    int id;
  };
  // The next one at or after `from`: the leftmost, of these the longest.
  std::optional<Match> next(std::string_view text, std::size_t from) const;
  // Whether `text` goes on at `at` as a special token, or ends while one has begun; ASCII case is ignored, as a
  // template may apply upper or lower.
  bool special_may_begin(std::string_view text, std::size_t at) const;
  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* longest_at(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;                    // longest first
  std::array<std::vector<std::size_t>, 256> starts_;  // by first byte, in lower case
};

}  // namespace tollgate::local_backend
