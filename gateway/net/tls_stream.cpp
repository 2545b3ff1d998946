// OpenSSL reads and writes the socket itself, so no bytes are copied through memory BIOs.
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <cstring>
#include <optional>

#include "gateway/net/openssl_ptr.h"
#include "gateway/net/pieces.h"
#include "gateway/net/socket_bio.h"
#include "gateway/net/stream.h"
#include "gateway/net/stream_errors.h"
#include "gateway/net/tls_errors.h"
#include "gateway/net/tls_sessions.h"

namespace tollgate::net {
namespace {

// SSL_get_error(3) wants OpenSSL's queue empty before each operation. Nearly always it is; emptying it all the same
// visits each of its places and cost more than 1 % of a call.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// The most plaintext one TLS record holds (RFC 8446 §5.1): several pieces up to this size leave as one record.
constexpr std::size_t kMaxRecord = 16 * 1024;

class TlsStream final : public Stream {
 public:
  TlsStream(Socket socket, SSL_CTX* context, TlsSide side, std::string host)
      : socket_(std::move(socket)), host_(std::move(host)), ssl_(SSL_new(context)), side_(side) {}

  // Before the handshake.
  Status prepare();
  Task<Status> handshake();
  ErrorKind too_slow() const {
    return side_ == TlsSide::server ? ErrorKind::request_timeout : ErrorKind::upstream_timeout;
  }

  Task<Result<std::size_t>> read_some(std::span<char> into) override;
  Task<Status> write(std::span<const std::string_view> pieces) override;
  void cancel() override;
  void close() override;
  bool idle_alive() override;
  std::string peer_address() const override { return numeric_peer(socket_); }

 private:
  Status expect_host();
  // What the last SSL_* call waits for, or nullopt when it failed for good.
  static std::optional<Socket::wait_type> awaited(int why);
  Error failure(int why);

  Socket socket_;
  SocketState io_;
  std::string host_;
  SslPtr ssl_;  // uses all of the above, so it goes first
  TlsSide side_;
  bool cancelled_ = false;
  bool broken_ = false;   // after a fatal error OpenSSL forbids further calls
  bool writing_ = false;  // a record may be half sent
};

Status TlsStream::prepare() {
  boost::system::error_code error;
  (void)socket_.native_non_blocking(true, error);
  if (error) return network_error(error);
  io_.fd = socket_.native_handle();
  BIO* bio = ssl_ ? make_socket_bio(io_) : nullptr;
  if (bio == nullptr) return Error{ErrorKind::internal, "no TLS connection could be prepared"};
  SSL_set_bio(ssl_.get(), bio, bio);  // takes ownership
  if (side_ == TlsSide::server) {
    SSL_set_accept_state(ssl_.get());
    return {};
  }
  SSL_set_connect_state(ssl_.get());
  TG_CHECK(expect_host());
  resume_session(ssl_.get(), host_);
  return {};
}

Status TlsStream::expect_host() {
  boost::system::error_code not_numeric;
  (void)asio::ip::make_address(host_, not_numeric);
  auto* wanted = SSL_get0_param(ssl_.get());
  bool set = false;
  if (not_numeric) {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = X509_VERIFY_PARAM_set1_host(wanted, host_.data(), host_.size()) == 1 &&
          SSL_set_tlsext_host_name(ssl_.get(), host_.c_str()) == 1;
  } else {
    set = X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str()) == 1;  // SNI is for names only (RFC 6066 §3)
  }
  if (set && !host_.empty()) return {};
  return Error{ErrorKind::internal, "the server's name cannot be used for TLS: '" + host_ + "'"};
}

std::optional<Socket::wait_type> TlsStream::awaited(int why) {
  if (why == SSL_ERROR_WANT_READ) return Socket::wait_read;
  if (why == SSL_ERROR_WANT_WRITE) return Socket::wait_write;
  return std::nullopt;
}

Error TlsStream::failure(int why) {
  broken_ = true;
  return {ErrorKind::upstream_error, tls_failure(ssl_.get(), why, side_, host_)};
}

Task<Status> TlsStream::handshake() {
  for (;;) {
    if (cancelled_) co_return cancelled_error();
    forget_errors();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) co_return Status();
    const int why = SSL_get_error(ssl_.get(), result);
    const auto wait = awaited(why);
    if (!wait) co_return failure(why);
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await socket_.async_wait(*wait, token);
    io_.drained = false;
    if (error) co_return network_error(error);
  }
}

Task<Result<std::size_t>> TlsStream::read_some(std::span<char> into) {
  for (;;) {
    if (cancelled_) co_return cancelled_error();
    if (broken_) co_return Error{ErrorKind::upstream_error, "the connection is broken"};
    std::size_t got = 0;
    forget_errors();
    if (SSL_read_ex(ssl_.get(), into.data(), into.size(), &got) == 1) co_return got;
    const int why = SSL_get_error(ssl_.get(), 0);
    if (why == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
    const auto wait = awaited(why);  // to write, too: a KeyUpdate may have to be answered first
    if (!wait) co_return failure(why);
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await socket_.async_wait(*wait, token);
    io_.drained = false;
    if (error) co_return network_error(error);
  }
}

Task<Status> TlsStream::write(std::span<const std::string_view> pieces) {
  // Used between two suspensions only, so one per thread is enough.
  thread_local std::array<char, kMaxRecord> scratch;
  Pieces left(pieces);
  while (!left.done()) {
    if (cancelled_) co_return cancelled_error();
    if (broken_) co_return Error{ErrorKind::upstream_error, "the connection is broken"};
    // A retry passes the same bytes again: `left` has not moved (and SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER is set).
    const std::string_view block = left.block(scratch);
    std::size_t sent = 0;
    forget_errors();
    if (SSL_write_ex(ssl_.get(), block.data(), block.size(), &sent) == 1) {
      writing_ = false;
      left.advance(sent);
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), 0);
    const auto wait = awaited(why);
    if (!wait) co_return failure(why);
    writing_ = true;
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await socket_.async_wait(*wait, token);
    io_.drained = false;
    if (error) co_return network_error(error);
  }
  co_return Status();
}

void TlsStream::cancel() {
  cancelled_ = true;
  boost::system::error_code ignored;
  (void)socket_.cancel(ignored);
}

void TlsStream::close() {
  if (!broken_ && !writing_) {
    forget_errors();
    (void)SSL_shutdown(ssl_.get());
    forget_errors();
  }
  boost::system::error_code ignored;
  (void)socket_.shutdown(Socket::shutdown_send, ignored);
}

bool TlsStream::idle_alive() {
  if (cancelled_ || broken_) return false;
  char byte = 0;
  std::size_t got = 0;
  io_.drained = false;
  forget_errors();
  // Not a peek at the socket: what waits there may be a session ticket, which is no reason to give up.
  if (SSL_peek_ex(ssl_.get(), &byte, 1, &got) == 1) return false;
  const int why = SSL_get_error(ssl_.get(), 0);
  if (why == SSL_ERROR_WANT_READ) return true;
  broken_ = why != SSL_ERROR_ZERO_RETURN;
  forget_errors();
  return false;
}

// Gives up the handshake when its time is over. The timer's handler may be queued when the handshake ends, so it holds
// a share of this and not the stream.
struct HandshakeLimit {
  TlsStream* stream;
  bool expired = false;
};

Task<Result<std::unique_ptr<Stream>>> shake_hands(std::unique_ptr<TlsStream> stream, Executor executor,
                                                  std::chrono::milliseconds limit) {
  TG_CO_CHECK(stream->prepare());
  const auto guarded = std::make_shared<HandshakeLimit>(HandshakeLimit{stream.get()});
  Timer timer(executor, limit);
  timer.async_wait([weak = std::weak_ptr<HandshakeLimit>(guarded)](const boost::system::error_code& error) {
    const auto handshake = weak.lock();
    if (error || !handshake) return;
    handshake->expired = true;
    handshake->stream->cancel();
  });
  auto done = co_await stream->handshake();
  if (guarded->expired) co_return Error{stream->too_slow(), "the TLS handshake was not done in time"};
  if (!done) co_return std::move(done).error();
  co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> accept_tls(Socket socket, SSL_CTX* context, std::chrono::milliseconds limit) {
  const Executor executor = socket.get_executor();
  auto stream = std::make_unique<TlsStream>(std::move(socket), context, TlsSide::server, std::string());
  return shake_hands(std::move(stream), executor, limit);
}

Task<Result<std::unique_ptr<Stream>>> connect_tls(Socket socket, SSL_CTX* context, TlsPeer peer,
                                                  std::chrono::milliseconds limit) {
  const Executor executor = socket.get_executor();
  auto stream = std::make_unique<TlsStream>(std::move(socket), context, TlsSide::client, std::move(peer.server_name));
  return shake_hands(std::move(stream), executor, limit);
}

}  // namespace tollgate::net
