#pragma once
// How long until a place in the queue becomes free, from what was measured lately. Pure logic; not thread-safe.
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace tollgate::local_backend {

class LoadEstimate {
 public:
  // A step computed `rows` tokens in `ns` nanoseconds.
  void observe_step(std::int64_t rows, std::int64_t ns) {
    rows_ = rows_ * kDecay + static_cast<double>(rows);
    ns_ = ns_ * kDecay + static_cast<double>(ns);
  }
  // A request left after `tokens` tokens, prompt and answer.
  void observe_request(std::int64_t tokens) {
    const auto now = static_cast<double>(tokens);
    tokens_ = tokens_ == 0 ? now : tokens_ * 0.9 + now * 0.1;
  }

  // The engine is work-conserving: it ends one request for each (tokens of a mean request) x (time of a token).
  // `requests`: how many have to end.
  std::int64_t retry_after_ms(std::size_t requests = 1) const {
    if (rows_ == 0) return 1000;  // nothing measured yet
    const double tokens = tokens_ == 0 ? 200 : tokens_;
    return std::clamp<std::int64_t>(
        static_cast<std::int64_t>(static_cast<double>(requests) * tokens * ns_ / rows_ / 1e6) + 1, 1, 600'000);
  }

 private:
  static constexpr double kDecay = 0.98;
  double rows_ = 0;
  double ns_ = 0;
  double tokens_ = 0;
};

}  // namespace tollgate::local_backend
