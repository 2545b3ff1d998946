#pragma once
// A loop for tests of coroutines: runs until they have ended, and says so when they do not.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "gateway/net/task.h"

namespace tollgate::net {

class Loop {
 public:
  asio::io_context io{1};

  void run_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    io.restart();
    while (!done() && std::chrono::steady_clock::now() < limit) io.run_one_for(std::chrono::milliseconds(50));
    ASSERT_TRUE(done()) << "nothing happened for 20 s";
  }

  // Runs what is ready, without waiting.
  void poll() {
    io.restart();
    io.poll();
  }

  template <class T>
  T await(Task<T> task) {
    std::optional<T> result;
    start(std::move(task), result);
    run_until([&] { return result.has_value(); });
    return std::move(result).value();
  }
  void await(Task<void> task) {
    bool done = false;
    start(std::move(task), done);
    run_until([&] { return done; });
  }

  // Starts without waiting for the end.
  template <class T>
  void start(Task<T> task, std::optional<T>& result) {
    auto kept = keep(std::move(task), result);
    asio::co_spawn(io.get_executor(), std::move(kept), [](std::exception_ptr error) { EXPECT_FALSE(error); });
  }
  void start(Task<void> task, bool& done) {
    asio::co_spawn(io.get_executor(), std::move(task), [&done](std::exception_ptr error) {
      EXPECT_FALSE(error);
      done = true;
    });
  }

 private:
  // co_spawn itself wants results that can be default-constructed.
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    T value = co_await std::move(task);
    result.emplace(std::move(value));
  }
};

}  // namespace tollgate::net
