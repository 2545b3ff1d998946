#include "providers/hot_transport.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>
#include <span>

#include "gateway/net/chunked.h"
#include "providers/hot_dial.h"
#include "providers/hot_pool.h"
#include "providers/request_head.h"

namespace tollgate::providers {
namespace {

// Up to this size the kernel takes a request without the provider reading, so it is written before the answer is read.
// A bigger one is written by a coroutine of its own, because a provider may refuse it long before it has read it all.
constexpr std::size_t kInlineWrite = 32'768;

struct Loop {
  net::asio::io_context& io;
  net::Sweep& sweep;
  net::Resolver& resolver;
  ConnectionPool pool;
};

// The bytes of a request, shared with the coroutine that writes them: it may outlive the exchange by a loop turn.
struct RequestBytes {
  std::string head;
  std::string body;
  std::shared_ptr<BodySource> source;  // instead of the body
};

class HotExchange;

struct Upload {
  std::shared_ptr<const RequestBytes> bytes;
  std::shared_ptr<Connection> connection;
  HotExchange* exchange = nullptr;  // null once it has gone its way
};

net::Task<Status> write_request(net::Stream& stream, const RequestBytes& bytes) {
  const std::array<std::string_view, 2> pieces = {bytes.head, bytes.body};
  const std::span<const std::string_view> both(pieces);
  co_return co_await stream.write(both);
}

class HotExchange final : public HttpExchange {
 public:
  HotExchange(Loop& loop, HttpCall call)
      : loop_(loop), call_(std::move(call)), deadline_(loop.sweep, [this] { on_deadline(); }) {}
  HotExchange(const HotExchange&) = delete;
  HotExchange& operator=(const HotExchange&) = delete;
  ~HotExchange() override { drop(); }

  net::Task<Status> start() override;
  int status() const override { return reader_->status(); }
  std::string_view header(std::string_view name) const override { return reader_->header(name); }
  std::string_view trailer(std::string_view name) const override { return reader_->trailer(name); }
  net::Task<Result<bool>> read_some(std::string& out) override;
  void cancel() override;
  bool dispatched() const override { return dispatched_; }
  // What the coroutine that sends the body tells.
  void write_started();
  void write_paused();
  void write_finished(bool ok);
  void source_failed(Error error);

 private:
  net::Task<Status> connect();
  net::Task<Status> send_and_read_head();
  net::Task<Status> send();
  net::Task<Status> fill(std::string& body);
  Status feed(std::size_t size, std::string& body);
  void finish();
  void drop();
  void forget_upload();
  void on_deadline();
  bool stopped() const { return cancelled_ || timed_out_; }
  Error failure(std::string_view broken) const;

  Loop& loop_;
  HttpCall call_;
  net::Deadline deadline_;
  std::shared_ptr<const RequestBytes> bytes_;
  std::shared_ptr<Dial> dial_;
  std::shared_ptr<Connection> connection_;  // null before start() and after the end
  std::shared_ptr<Upload> upload_;
  std::optional<net::ResponseReader> reader_;
  std::string early_body_;  // came together with the head
  std::optional<Error> source_error_;
  enum class Sending : std::uint8_t { active, done, failed } sending_ = Sending::active;
  bool surplus_ = false;  // bytes after the answer: the connection is not in step any more
  bool received_ = false;
  bool dispatched_ = false;
  bool cancelled_ = false;
  bool timed_out_ = false;
};

net::Task<void> upload(std::shared_ptr<Upload> self) {
  auto sent = co_await write_request(*self->connection->stream, *self->bytes);
  self->connection.reset();
  if (self->exchange != nullptr) self->exchange->write_finished(sent.ok());
}

// One chunk, or the end of the body. Once the exchange is gone nobody reads an answer, so nothing more is sent.
net::Task<Status> write_chunk(Upload& self, std::string_view bytes) {
  if (self.exchange == nullptr) co_return Error{ErrorKind::cancelled, "the call is over"};
  self.exchange->write_started();
  const net::ChunkFrame frame(bytes.size());
  const std::array<std::string_view, 3> chunk = {frame.size_line(), bytes, frame.end()};
  const std::array<std::string_view, 1> last = {net::kLastChunk};
  const auto pieces =
      bytes.empty() ? std::span<const std::string_view>(last) : std::span<const std::string_view>(chunk);
  co_return co_await self.connection->stream->write(pieces);
}

// Reads the source only as fast as the provider takes.
net::Task<Status> write_source(Upload& self) {
  TG_CO_CHECK(co_await write_request(*self.connection->stream, *self.bytes));
  const auto source = self.bytes->source;
  std::string bytes;
  for (bool more = true; more;) {
    bytes.clear();
    if (self.exchange != nullptr) self.exchange->write_paused();
    auto read = co_await source->read_some(bytes);
    if (!read && self.exchange != nullptr) self.exchange->source_failed(read.error());
    if (!read) co_return std::move(read).error();
    more = *read;
    if (!bytes.empty()) TG_CO_CHECK(co_await write_chunk(self, bytes));
  }
  const std::string_view nothing;
  co_return co_await write_chunk(self, nothing);
}

net::Task<void> upload_source(std::shared_ptr<Upload> self) {
  auto sent = co_await write_source(*self);
  self->connection.reset();
  if (self->exchange != nullptr) self->exchange->write_finished(sent.ok());
}

net::Task<Status> HotExchange::start() {
  TG_CO_CHECK(check_request(call_));
  if (stopped()) co_return failure("");
  std::string head = request_head(call_);
  bytes_ = std::make_shared<const RequestBytes>(std::move(head), std::move(call_.body), call_.source);

  // A kept connection may turn out to be dead, and what a source has given cannot be sent again.
  if (!call_.source) connection_ = loop_.pool.take(*call_.endpoint);
  const bool reused = connection_ != nullptr;
  if (!reused) {
    TG_CO_CHECK(co_await connect());
  }
  auto answered = co_await send_and_read_head();
  const bool was_stale = !answered && reused && !received_ && !stopped();
  if (was_stale) {
    drop();
    TG_CO_CHECK(co_await connect());
    answered = co_await send_and_read_head();
  }
  if (!answered) drop();
  co_return answered;
}

net::Task<Status> HotExchange::connect() {
  dial_ = Dial::start(loop_.io, loop_.resolver, call_.endpoint, call_.timeouts.connect);
  const auto dial = dial_;
  auto stream = co_await dial->wait();
  dial_.reset();
  if (!stream) co_return std::move(stream).error();
  if (stopped()) co_return failure("");
  connection_ = std::make_shared<Connection>(*std::move(stream));
  co_return Status{};
}

net::Task<Status> HotExchange::send_and_read_head() {
  const net::ResponseReader::Limits limits;
  reader_.emplace(limits);
  TG_CO_CHECK(co_await send());
  while (!reader_->head_done()) {
    TG_CO_CHECK(co_await fill(early_body_));
  }
  deadline_.clear();
  if (reader_->done()) finish();
  co_return Status{};
}

// A failed write is not yet an error: the provider may have answered before it hung up. Reading tells.
net::Task<Status> HotExchange::send() {
  dispatched_ = true;
  sending_ = Sending::active;
  deadline_.set(call_.timeouts.first_byte);
  if (bytes_->source || bytes_->head.size() + bytes_->body.size() > kInlineWrite) {
    upload_ = std::make_shared<Upload>(bytes_, connection_, this);
    auto coroutine = bytes_->source ? upload_source(upload_) : upload(upload_);
    net::asio::co_spawn(loop_.io.get_executor(), std::move(coroutine), net::asio::detached);
    co_return Status{};
  }
  const auto connection = connection_;
  auto written = co_await write_request(*connection->stream, *bytes_);
  if (stopped()) co_return failure("");
  write_finished(written.ok());
  co_return Status{};
}

void HotExchange::write_started() {
  if (!reader_->head_done()) deadline_.set(call_.timeouts.first_byte);
}

// We wait for our own client: not the provider's time.
void HotExchange::write_paused() {
  if (!reader_->head_done()) deadline_.clear();
}

void HotExchange::source_failed(Error error) {
  source_error_ = std::move(error);
  connection_->stream->cancel();
}

void HotExchange::write_finished(bool ok) {
  sending_ = ok ? Sending::done : Sending::failed;
  if (!reader_->head_done()) deadline_.set(call_.timeouts.first_byte);
}

net::Task<Status> HotExchange::fill(std::string& body) {
  constexpr std::string_view kBroken = "the provider closed the connection before its answer was complete";
  const auto connection = connection_;
  const std::span<char> space(connection->buffer.get(), Connection::kReadBuffer);
  auto size = co_await connection->stream->read_some(space);
  if (!size || stopped()) co_return failure(kBroken);
  if (*size > 0) co_return feed(*size, body);
  if (!reader_->put_eof()) co_return failure(kBroken);
  co_return Status{};
}

Status HotExchange::feed(std::size_t size, std::string& body) {
  received_ = true;
  const std::string_view bytes(connection_->buffer.get(), size);
  const auto took = reader_->put(bytes, body);
  if (!took) return failure("the provider's answer is not valid HTTP");
  surplus_ = *took < size;
  return {};
}

net::Task<Result<bool>> HotExchange::read_some(std::string& out) {
  if (cancelled_) co_return failure("");
  if (!early_body_.empty()) {
    out.append(early_body_);
    early_body_.clear();
    co_return true;
  }
  const std::size_t before = out.size();
  while (connection_ && out.size() == before) {
    deadline_.set(call_.timeouts.idle);
    auto filled = co_await fill(out);
    deadline_.clear();
    if (!filled) {
      drop();
      co_return std::move(filled).error();
    }
    if (reader_->done()) finish();
  }
  if (out.size() > before) co_return true;
  if (!reader_->done()) co_return failure("the provider's answer was cut short");
  co_return false;
}

void HotExchange::cancel() {
  cancelled_ = true;
  if (dial_) dial_->abandon();
  if (connection_) connection_->stream->cancel();
}

void HotExchange::on_deadline() {
  timed_out_ = true;
  if (connection_) connection_->stream->cancel();
}

// The answer is complete: the connection serves again if both sides are in step.
void HotExchange::finish() {
  const bool in_step = sending_ == Sending::done && !surplus_ && !stopped() && reader_->keep_alive();
  if (!in_step) return drop();
  forget_upload();
  loop_.pool.give(call_.endpoint, std::move(connection_));
}

void HotExchange::drop() {
  deadline_.clear();
  if (!connection_) return;
  // A write may be in the middle of a TLS record, where a proper goodbye is not possible.
  if (sending_ == Sending::active) {
    connection_->stream->cancel();
  } else {
    connection_->stream->close();
  }
  forget_upload();
  connection_.reset();
}

void HotExchange::forget_upload() {
  if (upload_) upload_->exchange = nullptr;
  if (upload_ && call_.source) call_.source->stop();
  upload_.reset();
}

Error HotExchange::failure(std::string_view broken) const {
  if (source_error_) return *source_error_;
  if (cancelled_) return Error{.kind = ErrorKind::cancelled, .message = "the call was cancelled"};
  if (timed_out_) return Error{.kind = ErrorKind::upstream_timeout, .message = "the provider did not answer in time"};
  return Error{.kind = ErrorKind::upstream_error, .message = std::string(broken)};
}

class HotTransport final : public Transport {
 public:
  HotTransport(net::asio::io_context& io, net::Sweep& sweep, net::Resolver& resolver, HotOptions options)
      : loop_{io, sweep, resolver, ConnectionPool(sweep, options.idle_limit)} {}
  std::unique_ptr<HttpExchange> open(HttpCall call) override {
    return std::make_unique<HotExchange>(loop_, std::move(call));
  }

 private:
  Loop loop_;
};

}  // namespace

std::unique_ptr<Transport> hot_transport(net::asio::io_context& io, net::Sweep& sweep, net::Resolver& resolver,
                                         HotOptions options) {
  return std::make_unique<HotTransport>(io, sweep, resolver, options);
}

}  // namespace tollgate::providers
