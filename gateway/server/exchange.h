#pragma once
// One request and the place for its answer. The pipeline sees this and never a socket, so HTTP/2 can come later.
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/ids.h"
#include "gateway/base/result.h"
#include "gateway/net/http1.h"
#include "gateway/net/task.h"
#include "gateway/server/header_lines.h"

namespace tollgate::server {

// Lives on one loop. Exactly one answer: respond(), or start_stream() then write()s then end_stream() or abort().
// Not answering at all closes the connection.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const net::HeadFacts& head() const = 0;
  virtual const Uuid& request_id() const = 0;
  // The peer has named the call already, and is to be believed. Before any answer.
  virtual void adopt_request_id(const Uuid& id) = 0;
  virtual SteadyTime received_at() const = 0;  // when the first byte of the request was read
  virtual const std::string& peer_address() const = 0;

  // The whole body, once. Sends "100 Continue" first where the client waits for it. Errors: payload_too_large,
  // request_timeout, invalid_request, cancelled (the client left).
  virtual net::Task<Result<std::string>> read_body() = 0;

  // Instead of read_body(), for a body that may be too big to be held: the body as it comes, `max` bytes at most. While
  // nobody takes, the client is not read. Sends "100 Continue" as read_body() does.
  virtual net::Task<Status> open_body(std::uint64_t max) = 0;
  enum class Arrival : std::uint8_t { nothing_yet, some, done };
  // Appends what has arrived, and never waits: after nothing_yet, `on_body` is called. Errors as read_body(), where the
  // time limit is that of one silence.
  virtual Result<Arrival> take_body(std::string& out) = 0;
  // Called on the loop whenever take_body() may have something new to say. Replaces an earlier callback; an empty one
  // forgets it.
  virtual void on_body(std::function<void()> callback) = 0;
  // Bytes of this request that are held until its end count against the process's bound. Error: overloaded.
  virtual Status hold(std::size_t bytes) = 0;

  // x-request-id, Date-less framing headers and connection handling are added. Errors mean the client is gone.
  virtual net::Task<Status> respond(int status, HeaderLines headers, std::string_view body) = 0;
  virtual net::Task<Status> start_stream(int status, HeaderLines headers, std::string_view first) = 0;
  virtual net::Task<Status> write(std::string_view bytes) = 0;
  // `trailers` follow the body (RFC 9110 §6.5): for a peer that is known to read them.
  virtual net::Task<Status> end_stream(std::string_view last, HeaderLines trailers) = 0;
  virtual bool started() const = 0;  // headers have left

  // Called once, on the loop, when the client leaves (FIN or close_notify) while an answer is owed. Replaces an earlier
  // callback; an empty one forgets it. If the client has already left, it is called at once.
  virtual void on_client_gone(std::function<void()> callback) = 0;
  virtual bool client_gone() const = 0;
};

}  // namespace tollgate::server
