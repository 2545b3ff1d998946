#pragma once
// Internal: how far a gathering write has come through its pieces.
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace tollgate::net {

class Pieces {
 public:
  explicit Pieces(std::span<const std::string_view> pieces) : left_(pieces) { skip_finished(); }

  bool done() const { return left_.empty(); }

  void advance(std::size_t bytes) {
    while (bytes > 0) {
      const std::size_t step = std::min(bytes, front().size());
      taken_ += step;
      bytes -= step;
      skip_finished();
    }
  }

  // Describes what is left, or as much of it as `into` has room for; returns how many entries it used.
  std::size_t describe(std::span<iovec> into) const {
    std::size_t used = 0;
    std::size_t skip = taken_;
    for (const auto piece : left_) {
      if (used == into.size()) break;
      const auto rest = piece.substr(skip);
      skip = 0;
      if (rest.empty()) continue;
      into[used++] = {const_cast<char*>(rest.data()), rest.size()};
    }
    return used;
  }

  // The next bytes as one block of at most scratch.size(): in place when one piece holds them, else copied together.
  // The same until advance() is called.
  std::string_view block(std::span<char> scratch) const {
    if (left_.size() == 1 || front().size() >= scratch.size()) return front().substr(0, scratch.size());
    std::size_t filled = 0;
    std::size_t skip = taken_;
    for (const auto piece : left_) {
      filled += piece.substr(skip).copy(scratch.data() + filled, scratch.size() - filled);
      skip = 0;
    }
    return {scratch.data(), filled};
  }

 private:
  std::string_view front() const { return left_.front().substr(taken_); }
  void skip_finished() {
    while (!left_.empty() && taken_ == left_.front().size()) {
      left_ = left_.subspan(1);
      taken_ = 0;
    }
  }

  std::span<const std::string_view> left_;
  std::size_t taken_ = 0;  // of the first piece
};

}  // namespace tollgate::net
