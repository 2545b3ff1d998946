#include "providers/curl_loop.h"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <mutex>
#include <stdexcept>

namespace tollgate::providers {
namespace {

using ErrorCode = boost::system::error_code;
using Descriptor = net::asio::posix::basic_stream_descriptor<net::Executor>;

// curl_global_init(3): once per process, before any other call; thread-safe since 7.84 where CURL_VERSION_THREADSAFE.
void init_curl() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
  });
}

}  // namespace

// Watches a dup() of curl's socket. CURL_POLL_REMOVE does not mean that the socket is closed (it may go to curl's pool
// and come back), nor is the socket sure to be open still when it arrives; a descriptor of our own makes the order of
// events irrelevant. CURLMOPT_SOCKETFUNCTION(3).
struct CurlLoop::Watch {
  Watch(const net::Executor& executor, int duplicate, curl_socket_t watched)
      : descriptor(executor, duplicate), socket(watched) {}
  Descriptor descriptor;
  curl_socket_t socket;
  int wanted = CURL_POLL_NONE;
  bool reading = false;
  bool writing = false;
};

CurlLoop::CurlLoop(net::asio::io_context& io)
    : executor_(io.get_executor()), timer_(executor_), alive_(std::make_shared<bool>(true)) {
  init_curl();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // CURLMOPT_MAXCONNECTS(3): idle connections kept. The default follows the number of handles ever added.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 64L);
}

CurlLoop::~CurlLoop() {
  *alive_ = false;
  curl_multi_cleanup(multi_);  // calls on_socket for what it still watches
}

bool CurlLoop::add(CURL* handle, CurlTransfer& transfer) {
  curl_easy_setopt(handle, CURLOPT_PRIVATE, &transfer);
  return curl_multi_add_handle(multi_, handle) == CURLM_OK;
}

void CurlLoop::remove(CURL* handle) { curl_multi_remove_handle(multi_, handle); }

int CurlLoop::on_socket(CURL*, curl_socket_t socket, int wanted, void* self_pointer, void* watch_pointer) {
  auto& self = *static_cast<CurlLoop*>(self_pointer);
  auto* watch = static_cast<std::shared_ptr<Watch>*>(watch_pointer);
  if (wanted == CURL_POLL_REMOVE) {
    if (watch == nullptr) return 0;
    (*watch)->wanted = CURL_POLL_NONE;
    ErrorCode ignored;
    (*watch)->descriptor.close(ignored);
    curl_multi_assign(self.multi_, socket, nullptr);
    delete watch;
    return 0;
  }
  if (watch == nullptr) {
    auto made = self.watch(socket);
    if (!made) return 0;  // out of descriptors: nothing will come, and the transfer's own deadline ends it
    watch = new std::shared_ptr<Watch>(std::move(made));
    curl_multi_assign(self.multi_, socket, watch);
  }
  (*watch)->wanted = wanted;
  self.arm(*watch);
  return 0;
}

std::shared_ptr<CurlLoop::Watch> CurlLoop::watch(curl_socket_t socket) {
  const int duplicate = ::dup(socket);
  if (duplicate < 0) return nullptr;
  return std::make_shared<Watch>(executor_, duplicate, socket);
}

void CurlLoop::arm(const std::shared_ptr<Watch>& watch) {
  if ((watch->wanted & CURL_POLL_IN) != 0 && !watch->reading) wait(watch, false);
  if ((watch->wanted & CURL_POLL_OUT) != 0 && !watch->writing) wait(watch, true);
}

void CurlLoop::wait(const std::shared_ptr<Watch>& watch, bool write) {
  (write ? watch->writing : watch->reading) = true;
  const auto ready = [this, watch, write, alive = alive_](ErrorCode error) {
    (write ? watch->writing : watch->reading) = false;
    if (!*alive || error == net::asio::error::operation_aborted || watch->wanted == CURL_POLL_NONE) return;
    const int event = write ? CURL_CSELECT_OUT : CURL_CSELECT_IN;
    const bool still_wanted = (watch->wanted & (write ? CURL_POLL_OUT : CURL_POLL_IN)) != 0;
    if (still_wanted) act(watch->socket, error ? CURL_CSELECT_ERR : event);
    if (watch->wanted != CURL_POLL_NONE) arm(watch);  // act() may have ended the watch
  };
  watch->descriptor.async_wait(write ? Descriptor::wait_write : Descriptor::wait_read, ready);
}

// CURLMOPT_TIMERFUNCTION(3): one timer, -1 deletes it, and curl must not be called from here.
int CurlLoop::on_timer(CURLM*, long milliseconds, void* self_pointer) {
  auto& self = *static_cast<CurlLoop*>(self_pointer);
  self.timer_.cancel();
  if (milliseconds < 0) return 0;
  const auto due = [&self, alive = self.alive_] {
    if (*alive) self.act(CURL_SOCKET_TIMEOUT, 0);
  };
  if (milliseconds == 0) {  // the usual case, and a post is cheaper than a timer; an early call does no harm
    net::asio::post(self.executor_, due);
    return 0;
  }
  self.timer_.expires_after(std::chrono::milliseconds(milliseconds));
  self.timer_.async_wait([due](ErrorCode error) {
    if (!error) due();
  });
  return 0;
}

void CurlLoop::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  report_finished();
}

void CurlLoop::report_finished() {
  int queued = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    // curl_multi_info_read(3): what the message points at does not survive curl_multi_remove_handle.
    CURL* handle = message->easy_handle;
    const CURLcode result = message->data.result;
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi_, handle);
    transfer->on_finished(result);
  }
}

}  // namespace tollgate::providers
