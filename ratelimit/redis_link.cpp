#include "ratelimit/redis_link.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace tollgate::ratelimit {
namespace {

using boost::system::error_code;
namespace asio = net::asio;
using Descriptor = asio::posix::basic_stream_descriptor<net::Executor>;

constexpr std::chrono::milliseconds kConnectLimit{1'000};  // TCP and log-in together
constexpr std::chrono::milliseconds kSilenceLimit{2'000};
constexpr std::chrono::seconds kSilenceReportPause{10};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2'000};

// hiredis frees the reply when the callback returns, so it becomes a value here.
RedisReply convert(const redisReply* reply) {
  using Kind = RedisReply::Kind;
  if (reply == nullptr) return {};
  RedisReply out;
  switch (reply->type) {
    case REDIS_REPLY_INTEGER:
      out.kind = Kind::integer;
      out.integer = reply->integer;
      break;
    case REDIS_REPLY_ARRAY:
      out.kind = Kind::array;
      out.elements.reserve(reply->elements);
      for (std::size_t i = 0; i < reply->elements; ++i) out.elements.push_back(convert(reply->element[i]));
      break;
    case REDIS_REPLY_NIL:
      out.kind = Kind::nil;
      break;
    default:  // text of some kind
      out.kind = reply->type == REDIS_REPLY_ERROR ? Kind::error : Kind::text;
      out.text.assign(reply->str, reply->len);
  }
  return out;
}

}  // namespace

// hiredis' context and the events it waits for. Asio watches a duplicate of the descriptor, because hiredis closes its
// own. Handlers hold a shared_ptr, so one that comes late finds `context` null and does nothing.
struct RedisLink::Connection : std::enable_shared_from_this<Connection> {
  Connection(RedisLink& owner, asio::io_context& io) : link(&owner), descriptor(io) {}

  bool open(const std::string& address, int port) {
    context = redisAsyncConnect(address.c_str(), port);  // does not block: the address is numeric
    if (context == nullptr) return false;
    if (context->err != 0) {
      redisAsyncFree(std::exchange(context, nullptr));
      return false;
    }
    context->ev.data = this;
    context->ev.addRead = [](void* self) { static_cast<Connection*>(self)->want_read(); };
    context->ev.delRead = [](void* self) { static_cast<Connection*>(self)->reads = false; };
    context->ev.addWrite = [](void* self) { static_cast<Connection*>(self)->want_write(); };
    context->ev.delWrite = [](void* self) { static_cast<Connection*>(self)->writes = false; };
    context->ev.cleanup = [](void* self) { static_cast<Connection*>(self)->forget(); };
    redisAsyncSetConnectCallback(context, [](const redisAsyncContext* ac, int status) {
      static_cast<Connection*>(ac->ev.data)->connected = status == REDIS_OK;
    });
    error_code ignored;
    descriptor.assign(::dup(context->c.fd), ignored);
    return descriptor.is_open();
  }

  void close() {
    link = nullptr;
    if (context != nullptr) redisAsyncFree(context);  // calls back every command, then forget()
  }

  // hiredis is about to free the context, whoever began it.
  void forget() {
    context = nullptr;
    reads = writes = false;
    error_code ignored;
    descriptor.close(ignored);
    if (link != nullptr) link->fail("the connection broke");
  }

  void want_read() {
    reads = true;
    if (reading) return;
    reading = true;
    descriptor.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code) {
      self->reading = false;
      if (self->context == nullptr || !self->reads) return;
      redisAsyncHandleRead(self->context);  // may free the context
      if (self->context != nullptr && self->reads) self->want_read();
    });
  }

  // Commands of one turn of the loop leave in one write, at its end. Only where the socket is full (or not connected
  // yet) is its readiness waited for.
  void want_write() {
    writes = true;
    if (writing) return;
    if (!connected) return wait_writable();
    writing = true;
    asio::post(descriptor.get_executor(), [self = shared_from_this()] { self->flush(); });
  }

  void wait_writable() {
    writing = true;
    descriptor.async_wait(Descriptor::wait_write, [self = shared_from_this()](error_code) { self->flush(); });
  }

  void flush() {
    if (context != nullptr && writes) redisAsyncHandleWrite(context);  // may free the context
    writing = false;
    if (context != nullptr && writes) wait_writable();
  }

  RedisLink* link;
  redisAsyncContext* context = nullptr;
  Descriptor descriptor;
  bool connected = false;
  bool reads = false;  // what hiredis asked for
  bool writes = false;
  bool reading = false;  // what is under way
  bool writing = false;
};

RedisLink::RedisLink(asio::io_context& io, RedisOptions options, std::function<void()> on_ready, Log& log)
    : io_(io),
      options_(std::move(options)),
      on_ready_(std::move(on_ready)),
      log_(log),
      wake_(io),
      random_(std::random_device{}()) {}

std::shared_ptr<RedisLink> RedisLink::start(asio::io_context& io, RedisOptions options, std::function<void()> on_ready,
                                            Log& log) {
  std::shared_ptr<RedisLink> link(new RedisLink(io, std::move(options), std::move(on_ready), log));
  auto body = run(link);
  asio::co_spawn(io, std::move(body), asio::detached);
  return link;
}

RedisLink::~RedisLink() { close(); }

void RedisLink::close() {
  state_ = State::closed;
  on_ready_ = nullptr;
  if (connection_ && connection_->connected) connection_->flush();  // as far as the socket takes it
  drop();
  wake_.cancel();
}

void RedisLink::drop() {
  const auto connection = std::move(connection_);
  silent_until_.reset();
  if (state_ != State::closed) state_ = State::away;
  if (connection) connection->close();
}

void RedisLink::send(const std::string& command, Done done) {
  if (!connection_ || connection_->context == nullptr) return done(RedisReply{});
  auto pending = std::make_unique<Done>(std::move(done));
  const auto on_reply = [](redisAsyncContext* context, void* reply, void* data) {
    const std::unique_ptr<Done> finished(static_cast<Done*>(data));
    RedisLink* const link = static_cast<Connection*>(context->ev.data)->link;
    if (link != nullptr && reply != nullptr) link->hear();
    (*finished)(convert(static_cast<const redisReply*>(reply)));
  };
  const int status =
      redisAsyncFormattedCommand(connection_->context, on_reply, pending.get(), command.data(), command.size());
  if (status == REDIS_OK) {
    [[maybe_unused]] const Done* const handed_over = pending.release();  // on_reply owns it now
  } else {
    (*pending)(RedisReply{});
  }
}

void RedisLink::note_timeout() {
  if (state_ != State::ready || silent_until_) return;
  const auto now = StopWatch::now();
  silent_until_ = now + kSilenceLimit;
  if (now >= next_silence_report_) {
    report(LogLevel::warning, "limits_store_silent", "Redis does not answer in time");
    next_silence_report_ = now + kSilenceReportPause;
  }
  wake_.cancel();
}

// Any reply ends a silence.
void RedisLink::hear() {
  if (!silent_until_) return;
  silent_until_.reset();
  if (on_ready_) on_ready_();
}

net::Task<void> RedisLink::run(std::shared_ptr<RedisLink> self) {
  while (self->state_ != State::closed) {
    co_await self->connect();
    if (self->state_ == State::ready) co_await self->serve();
    if (self->state_ == State::closed) break;
    self->drop();
    co_await self->sleep_until(StopWatch::now() + self->back_off());
  }
}

net::Task<void> RedisLink::sleep_until(StopWatch::time_point when) {
  error_code ignored;
  wake_.expires_at(when);
  co_await wake_.async_wait(asio::redirect_error(net::use_task, ignored));
}

net::Task<std::optional<std::string>> RedisLink::resolve() {
  error_code failed;
  const auto numeric = asio::ip::make_address(options_.host, failed);
  if (!failed) co_return numeric.to_string();
  asio::ip::basic_resolver<net::Tcp, net::Executor> resolver(io_);
  const std::string service = std::to_string(options_.port);
  const auto found =
      co_await resolver.async_resolve(options_.host, service, asio::redirect_error(net::use_task, failed));
  if (failed || found.empty()) co_return std::nullopt;
  co_return found.begin()->endpoint().address().to_string();
}

net::Task<void> RedisLink::connect() {
  state_ = State::connecting;
  const auto deadline = StopWatch::now() + kConnectLimit;
  const std::optional<std::string> address = co_await resolve();
  if (state_ == State::closed) co_return;
  if (!address) {
    fail("its name cannot be resolved");
    co_return;
  }
  connection_ = std::make_shared<Connection>(*this, io_);
  if (!connection_->open(*address, options_.port)) {
    fail("no connection could be begun");
    co_return;
  }
  log_in();
  while (state_ == State::connecting && StopWatch::now() < deadline) co_await sleep_until(deadline);
  if (state_ == State::connecting) fail("it did not answer within a second");
}

void RedisLink::log_in() {
  const auto greet = [this](RespCommand command, bool last) {
    send(command.take(), [this, last](const RedisReply& reply) { on_greeting(reply, last); });
  };
  if (options_.password) greet(std::move(RespCommand(2).add("AUTH").add(options_.password->reveal())), false);
  if (options_.database != 0) {
    greet(std::move(RespCommand(2).add("SELECT").add(static_cast<std::int64_t>(options_.database))), false);
  }
  greet(std::move(RespCommand(1).add("PING")), true);
}

void RedisLink::on_greeting(const RedisReply& reply, bool last) {
  if (state_ != State::connecting) return;
  if (reply.kind == RedisReply::Kind::error)
    return fail("it refused us: " + reply.text.substr(0, reply.text.find(' ')));
  if (last && reply.kind == RedisReply::Kind::text) become_ready();
}

void RedisLink::become_ready() {
  state_ = State::ready;
  failures_ = 0;
  last_reason_.clear();
  if (was_ready_) ++reconnects_;
  was_ready_ = true;
  report(LogLevel::info, "limits_store_connected", "Redis is connected");
  wake_.cancel();
  if (on_ready_) on_ready_();
}

net::Task<void> RedisLink::serve() {
  while (state_ == State::ready) {
    if (silent_until_ && StopWatch::now() >= *silent_until_) co_return fail("it stayed silent for two seconds");
    co_await sleep_until(silent_until_.value_or(StopWatch::time_point::max()));
  }
}

// Says why once, not at every attempt.
void RedisLink::fail(const std::string& reason) {
  if (state_ == State::closed) return;
  state_ = State::away;
  if (reason != last_reason_) report(LogLevel::warning, "limits_store_lost", "Redis is away: " + reason);
  last_reason_ = reason;
  wake_.cancel();
}

RedisLink::StopWatch::duration RedisLink::back_off() {
  const auto cap = std::min<std::chrono::milliseconds>(kLongestPause, kFirstPause * (1 << std::min(failures_, 6)));
  ++failures_;
  // Half of it at random, so that a fleet does not come back in one step.
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(cap.count() / 2, cap.count())(random_));
}

void RedisLink::report(LogLevel level, std::string_view event, const std::string& message) {
  log_.write(level, event, message, {{"host", std::string_view(options_.host)}, {"port", std::int64_t{options_.port}}});
}

}  // namespace tollgate::ratelimit
