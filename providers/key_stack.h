#pragma once
// Refuses duplicate keys: parsers disagree on which of two counts, and a policy must not be bypassed by that.
#include <algorithm>
#include <cstddef>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "providers/json_reader.h"

namespace tollgate::providers {

// The keys of the objects that are open, innermost last. One allocation serves a whole document.
class KeyStack {
 public:
  KeyStack() { keys_.reserve(kUsual); }

  // An object of more members is refused: it keeps the comparison of every key with every other linear.
  static constexpr std::size_t kMaxMembers = 128;
  enum class Verdict : std::uint8_t { fresh, duplicate, too_many };

  // Covers one object, from its opening to its end.
  class Scope {
   public:
    explicit Scope(KeyStack& stack) : stack_(stack), outer_(stack.base_) { stack_.base_ = stack_.keys_.size(); }
    ~Scope() {
      stack_.keys_.resize(stack_.base_);
      stack_.base_ = outer_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    KeyStack& stack_;
    std::size_t outer_;
  };

  // Notes the reader's current key in the innermost scope.
  Verdict add(const JsonReader& reader) {
    std::string_view key = reader.key();
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(base_);
    if (std::find(first, keys_.end(), key) != keys_.end()) return Verdict::duplicate;
    if (keys_.size() - base_ == kMaxMembers) return Verdict::too_many;
    if (reader.key_has_escapes()) key = decoded_.emplace_front(key);
    keys_.push_back(key);
    return Verdict::fresh;
  }

 private:
  static constexpr std::size_t kUsual = 32;
  std::vector<std::string_view> keys_;
  std::forward_list<std::string> decoded_;  // keys that were spelt with escapes; views stay valid as it grows
  std::size_t base_ = 0;
};

}  // namespace tollgate::providers
