#include "gateway/net/stream.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>

#include "gateway/net/pieces.h"
#include "gateway/net/stream_errors.h"

namespace tollgate::net {

Task<Status> Stream::write(std::string_view bytes) {
  const std::array<std::string_view, 1> pieces = {bytes};
  auto written = write(std::span<const std::string_view>(pieces));
  co_return co_await std::move(written);
}

namespace {

// More pieces than this go out in several calls.
constexpr std::size_t kMaxPieces = 16;

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    (void)socket_.native_non_blocking(true, ignored);
  }

  Task<Result<std::size_t>> read_some(std::span<char> into) override;
  Task<Status> write(std::span<const std::string_view> pieces) override;

  void cancel() override {
    cancelled_ = true;
    boost::system::error_code ignored;
    (void)socket_.cancel(ignored);
  }
  void close() override {
    boost::system::error_code ignored;
    (void)socket_.shutdown(Socket::shutdown_send, ignored);
  }
  bool idle_alive() override {
    char byte = 0;
    const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return !cancelled_ && got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
  std::string peer_address() const override { return numeric_peer(socket_); }

 private:
  Socket socket_;
  boost::system::error_code read_end_;  // why there is nothing more to read
  bool cancelled_ = false;
};

Task<Result<std::size_t>> PlainStream::read_some(std::span<char> into) {
  std::size_t got = 0;
  // Asio does not try again after an end or an error, but waits for an event that has already been.
  if (!cancelled_ && !read_end_) {
    // Tries a non-blocking recv first. Waiting and then reading would cost an epoll_ctl for every wait.
    auto token = asio::redirect_error(use_task, read_end_);
    got = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), token);
  }
  if (cancelled_) co_return cancelled_error();
  if (read_end_ && read_end_ != asio::error::eof) co_return network_error(read_end_);
  co_return got;
}

Task<Status> PlainStream::write(std::span<const std::string_view> pieces) {
  Pieces left(pieces);
  while (!left.done()) {
    if (cancelled_) co_return cancelled_error();
    std::array<iovec, kMaxPieces> parts;
    msghdr message = {};
    message.msg_iov = parts.data();
    message.msg_iovlen = left.describe(parts);
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      left.advance(static_cast<std::size_t>(sent));
      continue;
    }
    boost::system::error_code error(errno, boost::system::system_category());
    if (error == boost::system::errc::interrupted) continue;
    if (error != asio::error::would_block && error != asio::error::try_again) co_return network_error(error);
    auto token = asio::redirect_error(use_task, error);
    co_await socket_.async_wait(Socket::wait_write, token);
    if (error) co_return cancelled_ ? cancelled_error() : network_error(error);
  }
  co_return Status();
}

}  // namespace

std::unique_ptr<Stream> plain_stream(Socket socket) { return std::make_unique<PlainStream>(std::move(socket)); }

}  // namespace tollgate::net
