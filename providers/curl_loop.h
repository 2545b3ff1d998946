#pragma once
// One curl multi handle driven by Asio. The half of the libcurl adapter that knows sockets and timers and no requests.
#include <curl/curl.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>

#include "gateway/net/task.h"

namespace tollgate::providers {

class CurlTransfer {
 public:
  virtual ~CurlTransfer() = default;
  virtual void on_finished(
      CURLcode result) = 0;  // the handle has left the multi; called from the loop, never from curl
};

// Not thread-safe. REQUIRES: no transfer is active when it is destroyed.
class CurlLoop {
 public:
  explicit CurlLoop(net::asio::io_context& io);
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // False when curl refuses the handle. Sets CURLOPT_PRIVATE, by which the end of a transfer finds its owner.
  bool add(CURL* handle, CurlTransfer& transfer);
  // Ends an active transfer: its connection is closed, or its HTTP/2 stream reset.
  void remove(CURL* handle);

 private:
  struct Watch;

  static int on_socket(CURL*, curl_socket_t socket, int wanted, void* self, void* watch);
  static int on_timer(CURLM*, long milliseconds, void* self);
  std::shared_ptr<Watch> watch(curl_socket_t socket);
  void arm(const std::shared_ptr<Watch>& watch);
  void wait(const std::shared_ptr<Watch>& watch, bool write);
  void act(curl_socket_t socket, int events);
  void report_finished();

  net::Executor executor_;
  net::Timer timer_;
  CURLM* multi_;
  std::shared_ptr<bool> alive_;  // handlers may still be queued when the loop object is gone
};

}  // namespace tollgate::providers
