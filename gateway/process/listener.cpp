#include "gateway/process/listener.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

namespace tollgate::process {
namespace {

namespace asio = net::asio;
using Acceptor = asio::basic_socket_acceptor<net::Tcp, net::Executor>;

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kPause{50};

class AsioListener final : public Listener, public std::enable_shared_from_this<AsioListener> {
 public:
  AsioListener(asio::io_context& io, Hooks hooks, Log& log)
      : acceptor_(io.get_executor()), pause_(io.get_executor()), hooks_(std::move(hooks)), log_(log) {}

  boost::system::error_code bind(const net::Tcp::endpoint& where) {
    boost::system::error_code failure;
    acceptor_.open(where.protocol(), failure);
    if (!failure) acceptor_.set_option(Acceptor::reuse_address(true), failure);
    if (!failure) acceptor_.bind(where, failure);
    if (!failure) acceptor_.listen(kBacklog, failure);
    return failure;
  }

  void run() {
    auto loop = accept_loop();
    asio::co_spawn(acceptor_.get_executor(), std::move(loop), asio::detached);
  }

  std::uint16_t port() const override {
    boost::system::error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }

  void close() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  net::Task<void> accept_loop() {
    const auto self = shared_from_this();
    while (acceptor_.is_open()) {
      if (!hooks_.may_accept()) {
        co_await wait();
        continue;
      }
      boost::system::error_code failure;
      auto token = asio::redirect_error(net::use_task, failure);
      net::Socket socket = co_await acceptor_.async_accept(hooks_.next_loop(), token);
      if (!failure) {
        failing_ = false;
        hooks_.deal(std::move(socket));
      } else if (acceptor_.is_open() && failure != asio::error::connection_aborted) {
        // Out of descriptors, most likely: spinning on the error, or telling it twenty times a second, would only make
        // it worse.
        if (!failing_) log_.write(LogLevel::error, "accept_failed", failure.message(), {});
        failing_ = true;
        co_await wait();
      }
    }
  }

  net::Task<void> wait() {
    boost::system::error_code ignored;
    pause_.expires_after(kPause);
    auto token = asio::redirect_error(net::use_task, ignored);
    co_await pause_.async_wait(token);
  }

  Acceptor acceptor_;
  net::Timer pause_;
  bool failing_ = false;  // said already
  Hooks hooks_;
  Log& log_;
};

// The accept loop keeps the implementation alive until it has ended; this handle closes it.
class Handle final : public Listener {
 public:
  explicit Handle(std::shared_ptr<AsioListener> impl) : impl_(std::move(impl)) {}
  ~Handle() override { impl_->close(); }
  std::uint16_t port() const override { return impl_->port(); }
  void close() override { impl_->close(); }

 private:
  std::shared_ptr<AsioListener> impl_;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& io, const std::string& address, std::uint16_t port,
                                                 Hooks hooks, Log& log) {
  boost::system::error_code failure;
  const auto ip = asio::ip::make_address(address, failure);
  if (failure) return Error{ErrorKind::internal, "cannot listen on '" + address + "': not an IP address"};
  auto impl = std::make_shared<AsioListener>(io, std::move(hooks), log);
  failure = impl->bind({ip, port});
  if (failure)
    return Error{ErrorKind::internal,
                 "cannot listen on " + address + ":" + std::to_string(port) + ": " + failure.message()};
  impl->run();
  return std::unique_ptr<Listener>(std::make_unique<Handle>(std::move(impl)));
}

}  // namespace tollgate::process
