#pragma once
// One connection to Redis on one loop: connects, logs in, reconnects for ever, and pairs commands with replies.
// The only file that knows hiredis is redis_link.cpp.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "gateway/base/log.h"
#include "gateway/net/task.h"
#include "ratelimit/redis_script.h"

namespace tollgate::ratelimit {

// Not thread-safe: all use is on the loop of `io`. Names are resolved on Asio's resolver thread before each attempt, so
// the loop never waits for DNS and a moved server is found. Deadlines are the caller's: hiredis 0.14 has none.
class RedisLink : public std::enable_shared_from_this<RedisLink> {
 public:
  using Done = std::function<void(RedisReply)>;

  // Starts connecting. `on_ready` runs each time the link has become usable.
  static std::shared_ptr<RedisLink> start(net::asio::io_context& io, RedisOptions options,
                                          std::function<void()> on_ready, Log& log);
  ~RedisLink();
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  // Connected, logged in, and answering.
  bool usable() const { return state_ == State::ready && !silent_until_; }
  // `done` is called exactly once and never sees another command's reply: with the reply however late, or with
  // Kind::lost when the connection breaks first (at once when there is none).
  void send(const std::string& command, Done done);
  // A caller gave up waiting: not usable until some reply arrives. Silence beyond two seconds drops the connection,
  // because a peer behind a broken network path sends no reset.
  void note_timeout();
  std::int64_t reconnects() const { return reconnects_; }
  // What was sent leaves if the socket takes it. Every outstanding command ends with Kind::lost; nothing is called
  // afterwards.
  void close();

 private:
  struct Connection;
  enum class State : std::uint8_t { away, connecting, ready, closed };
  using StopWatch = std::chrono::steady_clock;

  RedisLink(net::asio::io_context& io, RedisOptions options, std::function<void()> on_ready, Log& log);
  static net::Task<void> run(std::shared_ptr<RedisLink> self);
  net::Task<void> connect();
  net::Task<void> serve();
  net::Task<std::optional<std::string>> resolve();
  net::Task<void> sleep_until(StopWatch::time_point when);
  void log_in();
  void on_greeting(const RedisReply& reply, bool last);
  void become_ready();
  void hear();
  void fail(const std::string& reason);
  void drop();
  StopWatch::duration back_off();
  void report(LogLevel level, std::string_view event, const std::string& message);

  net::asio::io_context& io_;
  RedisOptions options_;
  std::function<void()> on_ready_;
  Log& log_;
  net::Timer wake_;  // the coroutine's only sleep: cancelled whenever something it watches has changed
  std::shared_ptr<Connection> connection_;
  State state_ = State::away;
  std::optional<StopWatch::time_point> silent_until_;  // set: somebody waited in vain; then the connection is dropped
  StopWatch::time_point next_silence_report_;
  std::string last_reason_;
  int failures_ = 0;
  bool was_ready_ = false;
  std::int64_t reconnects_ = 0;
  std::minstd_rand random_;
};

}  // namespace tollgate::ratelimit
