#pragma once
// A string that is wiped when it dies and cannot be printed by accident.
#include <string.h>  // explicit_bzero is POSIX, not <cstring>

#include <string>
#include <string_view>
#include <utility>

namespace tollgate {

// Move-only. `reveal` is the only way to the bytes, so a search for it lists every use of a secret.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  std::string_view reveal() const { return bytes_; }
  const char* reveal_c_str() const { return bytes_.c_str(); }  // for interfaces of C; ends in a zero
  bool empty() const { return bytes_.empty(); }
  Secret clone() const { return Secret(bytes_); }

 private:
  void wipe() {
    explicit_bzero(bytes_.data(), bytes_.capacity());
    bytes_.clear();
  }
  std::string bytes_;
};

}  // namespace tollgate
