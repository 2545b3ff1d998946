#pragma once
// Runs coroutines of the limiter to their end from ordinary test code.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "ratelimit/limiter.h"
#include "tests/support/child_process.h"

namespace tollgate::ratelimit {

// One io_context driven by the test's own thread.
class Loop {
 public:
  net::asio::io_context& io() { return io_; }

  Verdict admit(Limiter& limiter, AdmitRequest request) {
    const auto answer = begin(limiter, std::move(request));
    if (!run_until([&] { return answer->has_value(); })) throw std::runtime_error("admit does not end");
    return **answer;
  }

  // The answer appears in the optional while the loop runs.
  std::shared_ptr<std::optional<Verdict>> begin(Limiter& limiter, AdmitRequest request) {
    auto answer = std::make_shared<std::optional<Verdict>>();
    auto body = ask(limiter, std::move(request), answer);
    net::asio::co_spawn(io_, std::move(body), net::asio::detached);
    return answer;
  }

  template <class Condition>
  bool run_until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    return test_support::eventually(
        [&] {
          io_.restart();
          io_.run_for(std::chrono::milliseconds(1));
          return condition();
        },
        limit);
  }

  void run_for(std::chrono::milliseconds time) {
    io_.restart();
    io_.run_for(time);
  }

 private:
  static net::Task<void> ask(Limiter& limiter, AdmitRequest request, std::shared_ptr<std::optional<Verdict>> answer) {
    Verdict verdict = co_await limiter.admit(std::move(request));
    answer->emplace(std::move(verdict));
  }

  net::asio::io_context io_{1};
};

}  // namespace tollgate::ratelimit
