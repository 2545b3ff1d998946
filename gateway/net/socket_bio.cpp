#include "gateway/net/socket_bio.h"

#include <sys/socket.h>

#include <cerrno>

namespace tollgate::net {
namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

SocketState& state_of(BIO* bio) { return *static_cast<SocketState*>(BIO_get_data(bio)); }

int write_socket(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(state_of(bio).fd, bytes, size, MSG_NOSIGNAL);
  if (sent > 0) {
    *written = static_cast<std::size_t>(sent);
    return 1;
  }
  if (would_block()) BIO_set_retry_write(bio);
  return 0;
}

int read_socket(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  SocketState& state = state_of(bio);
  if (state.drained) {
    BIO_set_retry_read(bio);
    return 0;
  }
  const auto received = ::recv(state.fd, into, size, 0);
  if (received > 0) {
    *got = static_cast<std::size_t>(received);
    state.drained = *got < size;
    return 1;
  }
  if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (received < 0 && would_block()) BIO_set_retry_read(bio);
  return 0;
}

long control_socket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

// Lives as long as the process: connections may be freed while its statics are destroyed.
const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "tollgate socket");
    if (made == nullptr) return made;
    BIO_meth_set_write_ex(made, write_socket);
    BIO_meth_set_read_ex(made, read_socket);
    BIO_meth_set_ctrl(made, control_socket);
    return made;
  }();
  return method;
}

}  // namespace

BIO* make_socket_bio(SocketState& state) {
  BIO* bio = BIO_new(socket_method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &state);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace tollgate::net
