#include "gateway/server/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <array>
#include <vector>

#include "gateway/server/response_head.h"
#include "providers/front_end.h"

namespace tollgate::server {

using net::Task;

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

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ConnectionContext& context, std::unique_ptr<net::Stream> stream)
      : context_(context),
        stream_(std::move(stream)),
        peer_(stream_->peer_address()),
        arrived_(context.io.get_executor()),
        room_(context.io.get_executor()),
        read_deadline_(context.sweep, [this] { expire(); }),
        write_deadline_(context.sweep, [this] { stream_->cancel(); }) {
    context_.open.insert(this);
    if (context_.connections != nullptr) context_.connections->fetch_add(1, std::memory_order_relaxed);
  }
  ~Connection() {
    context_.open.erase(this);
    if (context_.connections != nullptr) context_.connections->fetch_sub(1, std::memory_order_relaxed);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Task<void> run();
  Task<void> pump();
  void drain() {
    closing_ = true;
    if (!busy_) stop();
  }
  void cut() { stop(); }

 private:
  friend class Http1Exchange;

  // Waits for more input than `seen` bytes. false: there will be none (end, error, deadline).
  Task<bool> more_than(std::size_t seen);
  Task<Result<std::optional<net::HeadFacts>>> read_head();
  Task<void> refuse(const Error& error);
  Task<void> linger();
  Task<Status> send(std::span<const std::string_view> pieces);
  void consume(std::size_t bytes);
  void expire();
  void stop();
  void ended();

  ConnectionContext& context_;
  std::unique_ptr<net::Stream> stream_;
  std::string peer_;
  std::string in_;           // read and not yet consumed
  SteadyTime first_byte_{};  // of the request being read
  net::Signal arrived_;
  net::Signal room_;
  net::Deadline read_deadline_;
  net::Deadline write_deadline_;
  std::function<void()> on_gone_;
  bool input_ended_ = false;  // FIN, close_notify or an error: nothing more will come
  bool timed_out_ = false;
  bool closing_ = false;  // after the current answer
  bool busy_ = false;     // a request is being answered
};

// One request on a Connection. Lives in Connection::run's frame.
class Http1Exchange final : public Exchange {
 public:
  Http1Exchange(Connection& connection, net::HeadFacts head, Uuid id)
      : connection_(connection), head_(std::move(head)), id_(id), body_(head_, connection.context_.limits) {}
  ~Http1Exchange() override {
    connection_.on_gone_ = nullptr;
    release();
  }

  const net::HeadFacts& head() const override { return head_; }
  const Uuid& request_id() const override { return id_; }
  SteadyTime received_at() const override { return connection_.first_byte_; }
  const std::string& peer_address() const override { return connection_.peer_; }
  bool started() const override { return state_ != State::waiting; }
  bool client_gone() const override { return connection_.input_ended_; }

  void on_client_gone(std::function<void()> callback) override {
    connection_.on_gone_ = std::move(callback);
    if (connection_.input_ended_) connection_.ended();
  }

  Task<Result<std::string>> read_body() override;
  Task<Status> respond(int status, HeaderLines headers, std::string_view body) override;
  Task<Status> start_stream(int status, HeaderLines headers, std::string_view first) override;
  Task<Status> write(std::string_view bytes) override;
  Task<Status> end_stream(std::string_view last) override;

  // The next request may follow on this connection.
  bool reusable() const { return state_ == State::done && body_.done() && keep_alive(); }

 private:
  enum class State : std::uint8_t { waiting, streaming, done };

  bool keep_alive() const { return head_.keep_alive && !connection_.closing_ && !failed_; }
  // An unread body would be taken for the next request, so such an answer closes the connection.
  Connected connected() const { return keep_alive() && body_.done() ? Connected::keep : Connected::close; }
  Task<Status> continue_if_expected();
  bool reserve(std::size_t bytes);
  void release();

  Connection& connection_;
  net::HeadFacts head_;
  Uuid id_;
  net::BodyReader body_;
  std::uint64_t reserved_ = 0;
  State state_ = State::waiting;
  bool failed_ = false;
};

// --- reading ---

// The only reader of the stream, for the life of the connection: so the end of the client is seen while a call runs.
Task<void> Connection::pump() {
  const auto self = shared_from_this();
  // Never shared between connections: a read that succeeds at once completes after other coroutines have run.
  std::vector<char> buffer(kFirstRead);
  for (;;) {
    while (in_.size() >= kReadAhead && !input_ended_) co_await room_.wait();
    if (input_ended_) co_return;
    const std::span<char> into(buffer);
    const auto got = co_await stream_->read_some(into);
    if (!got || *got == 0) {
      ended();
      arrived_.notify();
      co_return;
    }
    in_.append(buffer.data(), *got);
    const std::size_t next = *got == buffer.size() ? kBigRead : kFirstRead;
    if (next != buffer.size()) std::vector<char>(next).swap(buffer);
    arrived_.notify();
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
  arrived_.notify();
}

void Connection::stop() {
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
      consume(**end);
      if (!facts) co_return std::move(facts).error();
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
      co_await refuse(head.error());
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

Task<void> Connection::refuse(const Error& error) {
  context_.refused(error);
  const std::string body = providers::encode_error_body(error);
  const Uuid id = context_.ids.next(context_.clock.system_now());
  const auto head = plain_head(http_status(error.kind), id, {}, body.size(), Connected::close);
  const std::array<std::string_view, 2> pieces = {head, body};
  (void)co_await send(pieces);
}

Task<Status> Connection::send(std::span<const std::string_view> pieces) {
  write_deadline_.set(context_.timeouts.write_stall);
  auto status = co_await stream_->write(pieces);
  write_deadline_.clear();
  co_return status;
}

// --- one request ---

bool Http1Exchange::reserve(std::size_t bytes) {
  auto* total = connection_.context_.bytes_in_flight;
  if (total == nullptr) return true;
  const auto limit = connection_.context_.max_bytes_in_flight;
  if (total->fetch_add(bytes, std::memory_order_relaxed) + bytes > limit && limit > 0) {
    total->fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  reserved_ += bytes;
  return true;
}

void Http1Exchange::release() {
  if (reserved_ > 0) connection_.context_.bytes_in_flight->fetch_sub(reserved_, std::memory_order_relaxed);
  reserved_ = 0;
}

Task<Status> Http1Exchange::continue_if_expected() {
  if (!head_.expect_continue || !connection_.in_.empty()) co_return Status();
  constexpr std::array<std::string_view, 1> kContinue = {"HTTP/1.1 100 Continue\r\n\r\n"};
  co_return co_await connection_.send(kContinue);
}

Task<Result<std::string>> Http1Exchange::read_body() {
  std::string body;
  TG_CO_CHECK(net::check_length(head_, connection_.context_.limits));
  TG_CO_CHECK(co_await continue_if_expected());
  const auto overloaded = [] {
    return Error{.kind = ErrorKind::overloaded,
                 .message = "The gateway holds too many request bodies at the moment. Try again shortly.",
                 .code = "overloaded",
                 .retry_after = std::chrono::milliseconds(1'000)};
  };
  if (head_.content_length) {
    if (!reserve(*head_.content_length)) co_return overloaded();
    body.reserve(*head_.content_length);
  }
  connection_.timed_out_ = false;
  connection_.read_deadline_.set(connection_.context_.timeouts.body);
  while (!body_.done()) {
    const bool any = co_await connection_.more_than(0);
    if (connection_.timed_out_) {
      failed_ = true;
      co_return Error{ErrorKind::request_timeout, "The request body did not arrive in time."};
    }
    if (!any) co_return Error{ErrorKind::cancelled, "The client left before its request was complete."};
    const std::size_t before = body.size();
    auto took = body_.put(connection_.in_, body);
    if (!took) {
      failed_ = true;
      co_return std::move(took).error();
    }
    connection_.consume(*took);
    if (!head_.content_length && !reserve(body.size() - before)) co_return overloaded();
  }
  connection_.read_deadline_.clear();
  co_return body;
}

Task<Status> Http1Exchange::respond(int status, HeaderLines headers, std::string_view body) {
  state_ = State::done;
  const auto head = plain_head(status, id_, headers, body.size(), connected());
  const std::array<std::string_view, 2> pieces = {head, head_.method == "HEAD" ? std::string_view() : body};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
}

Task<Status> Http1Exchange::start_stream(int status, HeaderLines headers, std::string_view first) {
  state_ = State::streaming;
  const auto head = stream_head(status, id_, headers, connected());
  const ChunkFrame frame(first.size());
  const std::array<std::string_view, 4> pieces = {head, frame.size_line(), first, frame.end()};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
}

Task<Status> Http1Exchange::write(std::string_view bytes) {
  if (bytes.empty()) co_return Status();
  const ChunkFrame frame(bytes.size());
  const std::array<std::string_view, 3> pieces = {frame.size_line(), bytes, frame.end()};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
}

Task<Status> Http1Exchange::end_stream(std::string_view last) {
  state_ = State::done;
  const ChunkFrame frame(last.size());
  const std::array<std::string_view, 4> pieces = {frame.size_line(), last, frame.end(), kLastChunk};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
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

void serve(ConnectionContext& context, std::unique_ptr<net::Stream> stream) {
  auto connection = std::make_shared<Connection>(context, std::move(stream));
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
