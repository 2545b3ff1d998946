#include "tests/support/scripted_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <charconv>
#include <optional>
#include <set>

namespace tollgate::testing {
namespace {

using ErrorCode = boost::system::error_code;
using Acceptor = net::asio::basic_socket_acceptor<net::Tcp, net::Executor>;

std::size_t body_length(std::string_view head) {
  constexpr std::string_view kName = "Content-Length: ";
  const auto at = head.find(kName);
  std::size_t length = 0;
  if (at == std::string_view::npos) return 0;
  std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), length);
  return length;
}

}  // namespace

std::string http_response(std::string_view body, std::string_view extra_headers) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(extra_headers) +
         "\r\n" + std::string(body);
}

Script& Script::request() { return steps_.push_back({Step::Kind::request, {}}), *this; }
Script& Script::head() { return steps_.push_back({Step::Kind::head, {}}), *this; }
Script& Script::send(std::string bytes) { return steps_.push_back({Step::Kind::send, std::move(bytes)}), *this; }
Script& Script::flood(std::size_t bytes) { return steps_.push_back({Step::Kind::flood, {}, bytes}), *this; }
Script& Script::gate() { return steps_.push_back({Step::Kind::gate, {}}), *this; }
Script& Script::until_closed() { return steps_.push_back({Step::Kind::until_closed, {}}), *this; }
Script& Script::reset() { return steps_.push_back({Step::Kind::reset, {}}), *this; }
Script& Script::cut() { return steps_.push_back({Step::Kind::cut, {}}), *this; }
Script& Script::tunnel_to(std::uint16_t port) { return steps_.push_back({Step::Kind::tunnel, {}, port}), *this; }

struct ScriptedServer::State {
  State(net::asio::io_context& io_context, net::TlsContext tls_context)
      : io(io_context), tls(std::move(tls_context)), acceptor(io.get_executor()), gate(io.get_executor()) {}

  net::asio::io_context& io;
  net::TlsContext tls;
  Acceptor acceptor;
  net::Signal gate;
  std::deque<Script> scripts;
  std::optional<Script> fallback;
  std::set<net::Stream*> streams;
  std::vector<std::string> requests;
  int connections = 0;
  int handshakes = 0;
  int peer_closes = 0;
  std::size_t flooded = 0;
  bool stopped = false;

  Script next_script() {
    if (scripts.empty()) return fallback.value_or(Script());
    Script script = std::move(scripts.front());
    scripts.pop_front();
    return script;
  }
};

namespace {

using Kind = Script::Step::Kind;

// One accepted connection. Every step returns false when the connection has ended.
class Connection {
 public:
  Connection(std::unique_ptr<net::Stream> stream, int fd, std::vector<std::string>& requests)
      : stream_(std::move(stream)), fd_(fd), requests_(requests) {}

  net::Stream& stream() { return *stream_; }

  net::Task<bool> read_request(bool with_body) {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!co_await read_more()) co_return false;
    }
    std::size_t length = end + 4;
    if (with_body) length += body_length(std::string_view(buffer_).substr(0, length));
    while (buffer_.size() < length) {
      if (!co_await read_more()) co_return false;
    }
    requests_.push_back(buffer_.substr(0, length));
    buffer_.erase(0, length);
    co_return true;
  }

  net::Task<bool> send(std::string_view bytes) {
    auto sent = co_await stream_->write(bytes);
    co_return sent.ok();
  }

  net::Task<bool> flood(std::size_t left, std::size_t& count) {
    const std::string block(16 * 1024, 'x');
    while (left > 0) {
      const auto size = std::min(left, block.size());
      if (!co_await send(std::string_view(block).substr(0, size))) co_return false;
      left -= size;
      count += size;
    }
    co_return true;
  }

  net::Task<void> wait_for_close() {
    while (co_await read_more()) buffer_.clear();
  }

  // SO_LINGER 0: close() sends RST. socket(7)
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  void cut() { ::shutdown(fd_, SHUT_RDWR); }

 private:
  net::Task<bool> read_more() {
    const std::span<char> space(chunk_);
    auto size = co_await stream_->read_some(space);
    if (!size || *size == 0) co_return false;
    buffer_.append(chunk_.data(), *size);
    co_return true;
  }

  std::unique_ptr<net::Stream> stream_;
  int fd_;
  std::vector<std::string>& requests_;
  std::string buffer_;
  std::array<char, 16 * 1024> chunk_{};
};

// Ends when `from` ends, and hangs up on `to` then, which ends the other direction.
net::Task<void> relay(std::shared_ptr<net::Stream> from, std::shared_ptr<net::Stream> to) {
  std::array<char, 4096> chunk{};
  const std::span<char> space(chunk);
  for (;;) {
    auto size = co_await from->read_some(space);
    if (!size || *size == 0) break;
    const std::string_view bytes(chunk.data(), *size);
    auto sent = co_await to->write(bytes);
    if (!sent) break;
  }
  to->close();
  to->cancel();
}

net::Task<void> tunnel(net::asio::io_context& io, net::Stream& client, std::uint16_t port) {
  net::Socket socket(io.get_executor());
  const net::Tcp::endpoint target(net::asio::ip::address_v4::loopback(), port);
  ErrorCode error;
  co_await socket.async_connect(target, net::asio::redirect_error(net::use_task, error));
  if (error) co_return;
  std::shared_ptr<net::Stream> upstream = net::plain_stream(std::move(socket));
  const std::string_view accepted = "HTTP/1.1 200 Connection established\r\n\r\n";
  auto sent = co_await client.write(accepted);
  if (!sent) co_return;
  const std::shared_ptr<net::Stream> borrowed(&client, [](net::Stream*) {});
  auto down = relay(upstream, borrowed);
  bool down_ended = false;
  net::Signal ended(io.get_executor());
  auto on_end = [&](const std::exception_ptr&) {
    down_ended = true;
    ended.notify();
  };
  net::asio::co_spawn(io.get_executor(), std::move(down), on_end);
  co_await relay(borrowed, upstream);
  while (!down_ended) co_await ended.wait();
}

}  // namespace

ScriptedServer::ScriptedServer(net::asio::io_context& io, net::TlsContext tls)
    : state_(std::make_shared<State>(io, std::move(tls))) {
  const net::Tcp::endpoint address(net::asio::ip::address_v4::loopback(), 0);
  state_->acceptor.open(address.protocol());
  state_->acceptor.bind(address);
  state_->acceptor.listen();
  auto coroutine = accept(state_);
  net::asio::co_spawn(io.get_executor(), std::move(coroutine), net::asio::detached);
}

ScriptedServer::~ScriptedServer() { stop(); }

void ScriptedServer::add(Script script) { state_->scripts.push_back(std::move(script)); }
void ScriptedServer::repeat(Script script) { state_->fallback = std::move(script); }
void ScriptedServer::open_gate() { state_->gate.notify(); }
std::uint16_t ScriptedServer::port() const { return state_->acceptor.local_endpoint().port(); }
int ScriptedServer::connections() const { return state_->connections; }
int ScriptedServer::handshakes() const { return state_->handshakes; }
int ScriptedServer::peer_closes() const { return state_->peer_closes; }
std::size_t ScriptedServer::flooded() const { return state_->flooded; }
const std::vector<std::string>& ScriptedServer::requests() const { return state_->requests; }

void ScriptedServer::stop() {
  state_->stopped = true;
  ErrorCode ignored;
  state_->acceptor.close(ignored);
  for (auto* stream : state_->streams) stream->cancel();
  state_->gate.notify();
}

net::Task<void> ScriptedServer::accept(std::shared_ptr<State> state) {
  for (;;) {
    ErrorCode error;
    auto socket = co_await state->acceptor.async_accept(net::asio::redirect_error(net::use_task, error));
    if (error) co_return;
    ++state->connections;
    socket.set_option(net::Tcp::no_delay(true));
    auto connection = serve(state, std::move(socket), state->next_script());
    net::asio::co_spawn(state->io.get_executor(), std::move(connection), net::asio::detached);
  }
}

net::Task<void> ScriptedServer::serve(std::shared_ptr<State> state, net::Socket socket, Script script) {
  const int fd = socket.native_handle();
  std::unique_ptr<net::Stream> stream;
  if (state->tls) {
    auto accepted = co_await net::accept_tls(std::move(socket), state->tls.get(), std::chrono::seconds(5));
    if (!accepted) co_return;
    stream = *std::move(accepted);
  } else {
    stream = net::plain_stream(std::move(socket));
  }
  ++state->handshakes;
  Connection connection(std::move(stream), fd, state->requests);
  state->streams.insert(&connection.stream());
  bool open = true;
  bool abrupt = false;
  for (const auto& step : script.steps()) {
    if (!open || abrupt || state->stopped) break;
    switch (step.kind) {
      case Kind::request:
        open = co_await connection.read_request(true);
        break;
      case Kind::head:
        open = co_await connection.read_request(false);
        break;
      case Kind::send:
        open = co_await connection.send(step.bytes);
        break;
      case Kind::flood:
        open = co_await connection.flood(step.number, state->flooded);
        break;
      case Kind::gate:
        co_await state->gate.wait();
        break;
      case Kind::until_closed:
        co_await connection.wait_for_close();
        if (!state->stopped) ++state->peer_closes;
        open = false;
        break;
      case Kind::reset:
        connection.reset();
        abrupt = true;
        break;
      case Kind::cut:
        connection.cut();
        abrupt = true;
        break;
      case Kind::tunnel:
        co_await tunnel(state->io, connection.stream(), static_cast<std::uint16_t>(step.number));
        open = false;
        break;
    }
  }
  state->streams.erase(&connection.stream());
  if (!abrupt) connection.stream().close();
}

}  // namespace tollgate::testing
