#pragma once
// A connection and the requests on it, for the files that implement them. Internal to gateway/server.
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "gateway/server/connection.h"
#include "gateway/server/response_head.h"

namespace tollgate::server {

using net::Task;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ConnectionContext& context, std::unique_ptr<net::Stream> stream, Seat seat)
      : seat_(std::move(seat)),
        context_(context),
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
  Task<void> refuse(Error error);
  Task<void> linger();
  Task<Status> send(std::span<const std::string_view> pieces);
  void consume(std::size_t bytes);
  void expire();
  void stop();
  void ended();
  void arrived();

  Seat seat_;  // left last, when the socket is closed
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
  std::function<void()> on_arrival_;
  bool input_ended_ = false;  // FIN, close_notify or an error: nothing more will come
  bool stopped_ = false;      // nothing more is read, and full input waits for nobody
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
    connection_.on_arrival_ = nullptr;
    connection_.read_deadline_.clear();
    release();
  }

  const net::HeadFacts& head() const override { return head_; }
  const Uuid& request_id() const override { return id_; }
  void adopt_request_id(const Uuid& id) override { id_ = id; }
  SteadyTime received_at() const override { return connection_.first_byte_; }
  const std::string& peer_address() const override { return connection_.peer_; }
  bool started() const override { return state_ != State::waiting; }
  bool client_gone() const override { return connection_.input_ended_; }

  void on_client_gone(std::function<void()> callback) override {
    connection_.on_gone_ = std::move(callback);
    if (connection_.input_ended_) connection_.ended();
  }

  void on_body(std::function<void()> callback) override { connection_.on_arrival_ = std::move(callback); }

  Task<Result<std::string>> read_body() override;
  Task<Status> open_body(std::uint64_t max) override;
  Result<Arrival> take_body(std::string& out) override;
  Status hold(std::size_t bytes) override;
  Task<Status> respond(int status, HeaderLines headers, std::string_view body) override;
  Task<Status> start_stream(int status, HeaderLines headers, std::string_view first) override;
  Task<Status> write(std::string_view bytes) override;
  Task<Status> end_stream(std::string_view last, HeaderLines trailers) override;

  // The next request may follow on this connection.
  bool reusable() const { return state_ == State::done && body_.done() && keep_alive(); }

 private:
  enum class State : std::uint8_t { waiting, streaming, done };

  bool keep_alive() const { return head_.keep_alive && !connection_.closing_ && !failed_; }
  // An unread body would be taken for the next request, so such an answer closes the connection.
  Connected connected() const { return keep_alive() && body_.done() ? Connected::keep : Connected::close; }
  Delimited delimited() const { return head_.http_1_0 ? Delimited::by_close : Delimited::by_chunks; }
  // What frames a chunk: nothing, for a client that reads none.
  std::string_view in_chunks(std::string_view framing) const { return head_.http_1_0 ? std::string_view() : framing; }
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
  bool waiting_ = false;  // for more of a body that is taken as it comes
};

}  // namespace tollgate::server
