#pragma once
// What one generation reported, and requests to make it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <utility>

#include "local_backend/api.h"

namespace tollgate::local_backend::test {

class Events {
 public:
  using Kind = GenerateEvent::Kind;

  std::function<void(GenerateEvent)> sink() {
    return [this](GenerateEvent event) { take(std::move(event)); };
  }

  GenerateEvent last() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return ended_ > 0; }));
    EXPECT_EQ(ended_, 1) << "exactly one finished or failed";
    return last_;
  }
  std::string text() {
    const std::scoped_lock lock(mutex_);
    return text_;
  }
  std::vector<ToolCall> calls() {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }
  std::vector<float> embedding() {
    const std::scoped_lock lock(mutex_);
    return embedding_;
  }
  int pieces() {
    const std::scoped_lock lock(mutex_);
    return pieces_;
  }

 protected:
  void take(GenerateEvent event) {
    const std::scoped_lock lock(mutex_);
    EXPECT_EQ(ended_, 0) << "nothing comes after the end";
    if (event.kind == Kind::text) {
      EXPECT_FALSE(event.text.empty());
      text_ += event.text;
      ++pieces_;
    } else if (event.kind == Kind::tool_call) {
      calls_.push_back(std::move(event.call));
    } else if (event.kind == Kind::embedding) {
      embedding_ = std::move(event.embedding);
    } else {
      ++ended_;
      last_ = std::move(event);
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::vector<ToolCall> calls_;
  std::vector<float> embedding_;
  int pieces_ = 0;
  int ended_ = 0;
  GenerateEvent last_;
};

// Stops the engine thread inside its first text event until release().
class Gate : public Events {
 public:
  std::function<void(GenerateEvent)> sink() {
    return [this](GenerateEvent event) {
      if (event.kind == Kind::text && !reached_.exchange(true)) {
        at_gate_.set_value();
        open_.get_future().wait();
      }
      take(std::move(event));
    };
  }
  void wait() { at_gate_.get_future().wait(); }
  void release() { open_.set_value(); }

 private:
  std::atomic<bool> reached_{false};
  std::promise<void> at_gate_;
  std::promise<void> open_;
};

inline GenerateRequest ask(const std::string& text, int max_tokens = 24, double temperature = 0,
                           std::uint64_t seed = 1) {
  GenerateRequest request;
  request.messages.push_back({"user", text});
  request.sampling.temperature = temperature;
  request.sampling.max_tokens = max_tokens;
  request.sampling.seed = seed;
  request.sampling.seeded = true;
  return request;
}

}  // namespace tollgate::local_backend::test
