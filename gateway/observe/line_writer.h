#pragma once
// Lines from many threads to one slow place, in blocks. Writers pay a copy and, 20 times a second at most, a wake-up.
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace tollgate::observe {

// Thread-safe. `put` never waits for the sink: what does not fit is dropped and counted. Lines keep their order.
class LineWriter {
 public:
  static constexpr std::chrono::milliseconds kGather{50};             // the longest an ordinary line waits
  static constexpr std::size_t kMostPending = std::size_t{8} << 20U;  // bytes waiting before lines are dropped

  // `sink` gets whole lines without the last line's end, on the writer's own thread; it may block. False: they are
  // lost.
  using Sink = std::function<bool(std::string_view lines)>;
  explicit LineWriter(Sink sink);
  // Hands over what is pending, then ends the thread.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  enum class Haste : std::uint8_t { gather, now };
  // `line` without its end.
  void put(std::string_view line, Haste haste);

  std::int64_t written() const { return written_.load(std::memory_order_relaxed); }  // accepted lines
  std::int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();

  Sink sink_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  bool idle_ = true;  // the thread waits for a first line
  bool now_ = false;
  bool stopping_ = false;
  std::atomic<std::int64_t> written_{0};
  std::atomic<std::int64_t> dropped_{0};
  std::thread thread_;  // last: it uses all of the above
};

// The time as a log line gives it, "2026-11-21T08:00:00.123Z" (RFC 3339, UTC), computed anew once a second.
// Not thread-safe.
class LogTime {
 public:
  std::string_view at(std::chrono::system_clock::time_point now);

 private:
  std::array<char, 25> text_{};
  std::int64_t second_ = -1;
};

}  // namespace tollgate::observe
