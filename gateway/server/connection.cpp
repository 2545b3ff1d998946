#include "gateway/server/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <vector>

#include "gateway/server/connection_parts.h"

namespace tollgate::server {

namespace {

// Read ahead at most this much while a call runs: enough for pipelined requests, not for a flood.
constexpr std::size_t kReadAhead = 64 * 1024;
// Input kept allocated between requests.
constexpr std::size_t kKeepCapacity = 4 * 1024;
// After the last answer, input is read and dropped for this long.
constexpr std::chrono::milliseconds kLinger{1'000};
// What a connection keeps for its next read. A read that fills it is followed by bigger ones.
constexpr std::size_t kFirstRead = 2 * 1024;
constexpr std::size_t kBigRead = 16 * 1024;

}  // namespace

// --- reading ---

// The only reader of the stream, for the life of the connection: so the end of the client is seen while a call runs.
Task<void> Connection::pump() {
  const auto self = shared_from_this();
  // Never shared between connections: a read that succeeds at once completes after other coroutines have run.
  std::vector<char> buffer(kFirstRead);
  for (;;) {
    while (in_.size() >= kReadAhead && !stopped_) co_await room_.wait();
    const std::span<char> into(buffer);
    const auto got = co_await stream_->read_some(into);
    if (!got || *got == 0) {
      ended();
      arrived();
      co_return;
    }
    in_.append(buffer.data(), *got);
    const std::size_t next = *got == buffer.size() ? kBigRead : kFirstRead;
    if (next != buffer.size()) std::vector<char>(next).swap(buffer);
    arrived();
  }
}

void Connection::ended() {
  input_ended_ = true;
  if (on_gone_) {
    const auto callback = std::exchange(on_gone_, nullptr);
    callback();
  }
}

Task<bool> Connection::more_than(std::size_t seen) {
  while (in_.size() <= seen && !input_ended_ && !timed_out_) co_await arrived_.wait();
  co_return in_.size() > seen && !timed_out_;
}

void Connection::consume(std::size_t bytes) {
  const bool was_full = in_.size() >= kReadAhead;
  in_.erase(0, bytes);
  if (in_.empty() && in_.capacity() > kKeepCapacity) std::string().swap(in_);
  if (was_full) room_.notify();
}

void Connection::expire() {
  timed_out_ = true;
  arrived();
}

void Connection::arrived() {
  arrived_.notify();
  if (on_arrival_) on_arrival_();
}

// The pump's next read says so, and what waits for input hears of it.
void Connection::stop() {
  stopped_ = true;
  stream_->cancel();
  room_.notify();
}

Task<Result<std::optional<net::HeadFacts>>> Connection::read_head() {
  using Head = std::optional<net::HeadFacts>;
  timed_out_ = false;
  read_deadline_.set(context_.timeouts.idle);
  if (in_.empty()) {
    const bool any = co_await more_than(0);
    if (!any) co_return Head{};  // the client left, or was idle for too long: no answer is owed
  }
  first_byte_ = context_.clock.steady_now();
  busy_ = true;
  bool head_deadline_set = false;
  for (;;) {
    auto end = net::find_head(in_, context_.limits);
    if (!end) co_return std::move(end).error();
    if (*end) {
      read_deadline_.clear();
      auto facts = net::guard(std::string_view(in_).substr(0, **end), context_.limits);
      if (!facts) co_return std::move(facts).error();
      consume(**end);
      co_return Head(*std::move(facts));
    }
    if (!head_deadline_set) read_deadline_.set(context_.timeouts.head);
    head_deadline_set = true;
    const std::size_t seen = in_.size();
    const bool any = co_await more_than(seen);
    if (timed_out_) co_return Error{ErrorKind::request_timeout, "The request head did not arrive in time."};
    if (!any) co_return Head{};
  }
}

// --- the life of a connection ---

Task<void> Connection::run() {
  const auto self = shared_from_this();
  while (!closing_) {
    busy_ = false;
    auto head = co_await read_head();
    if (!head) {
      Error error = std::move(head).error();
      co_await refuse(std::move(error));
      break;
    }
    if (!*head) break;
    busy_ = true;
    Http1Exchange exchange(*this, **std::move(head), context_.ids.next(context_.clock.system_now()));
    co_await context_.handler(exchange);
    if (!exchange.reusable()) break;
  }
  write_deadline_.clear();
  stream_->close();
  co_await linger();
  stop();
}

// Closing with unread input resets the connection, and a reset can overtake the answer (RFC 9112 §9.6).
Task<void> Connection::linger() {
  timed_out_ = false;
  read_deadline_.set(kLinger);
  while (!input_ended_ && !timed_out_) {
    consume(in_.size());
    co_await arrived_.wait();
  }
  read_deadline_.clear();
}

// The refused head is still the first of the input.
Task<void> Connection::refuse(Error error) {
  Http1Exchange exchange(*this, net::refused_head(in_, context_.limits),
                         context_.ids.next(context_.clock.system_now()));
  co_await context_.refused(exchange, std::move(error));
}

Task<Status> Connection::send(std::span<const std::string_view> pieces) {
  write_deadline_.set(context_.timeouts.write_stall);
  auto status = co_await stream_->write(pieces);
  write_deadline_.clear();
  co_return status;
}

// --- entry points ---

namespace {

// One catch per connection: a bug in one call must not take the others down.
template <class Member>
void spawn(ConnectionContext& context, std::shared_ptr<Connection> connection, Member member) {
  auto task = ((*connection).*member)();
  net::asio::co_spawn(context.io, std::move(task), [&context, connection](std::exception_ptr failure) {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      context.crashed(e.what());
    } catch (...) {
      context.crashed("an exception of unknown type");
    }
    connection->cut();
  });
}

}  // namespace

void serve(ConnectionContext& context, std::unique_ptr<net::Stream> stream, Seat seat) {
  auto connection = std::make_shared<Connection>(context, std::move(stream), std::move(seat));
  if (context.draining) connection->drain();
  spawn(context, connection, &Connection::pump);
  spawn(context, connection, &Connection::run);
}

void drain(ConnectionContext& context) {
  context.draining = true;
  const auto open = context.open;  // drain() may end some of them
  for (auto* connection : open) connection->drain();
}

void cut(ConnectionContext& context) {
  const auto open = context.open;
  for (auto* connection : open) connection->cut();
}

}  // namespace tollgate::server
