// One request: its body in, its answer out.
#include "gateway/server/connection_parts.h"

namespace tollgate::server {

bool Http1Exchange::reserve(std::size_t bytes) {
  auto* total = connection_.context_.bytes_in_flight;
  if (total == nullptr) return true;
  const auto limit = connection_.context_.max_bytes_in_flight;
  if (total->fetch_add(bytes, std::memory_order_relaxed) + bytes > limit && limit > 0) {
    total->fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  reserved_ += bytes;
  return true;
}

void Http1Exchange::release() {
  if (reserved_ > 0) connection_.context_.bytes_in_flight->fetch_sub(reserved_, std::memory_order_relaxed);
  reserved_ = 0;
}

Task<Status> Http1Exchange::continue_if_expected() {
  if (!head_.expect_continue || !connection_.in_.empty()) co_return Status();
  constexpr std::array<std::string_view, 1> kContinue = {"HTTP/1.1 100 Continue\r\n\r\n"};
  co_return co_await connection_.send(kContinue);
}

Status Http1Exchange::hold(std::size_t bytes) {
  if (reserve(bytes)) return {};
  return Error{.kind = ErrorKind::overloaded,
               .message = "The gateway holds too many request bodies at the moment. Try again shortly.",
               .code = "overloaded",
               .retry_after = std::chrono::milliseconds(1'000)};
}

Task<Status> Http1Exchange::open_body(std::uint64_t max) {
  net::HttpLimits limits = connection_.context_.limits;
  limits.max_body_bytes = max;
  body_ = net::BodyReader(head_, limits);
  TG_CO_CHECK(net::check_length(head_, limits));
  connection_.timed_out_ = false;
  co_return co_await continue_if_expected();
}

Result<Exchange::Arrival> Http1Exchange::take_body(std::string& out) {
  if (!body_.done() && connection_.in_.empty()) {
    if (connection_.timed_out_) {
      failed_ = true;
      return Error{ErrorKind::request_timeout, "The request body did not arrive in time."};
    }
    if (connection_.input_ended_)
      return Error{ErrorKind::cancelled, "The client left before its request was complete."};
    if (!waiting_) connection_.read_deadline_.set(connection_.context_.timeouts.body);
    waiting_ = true;
    return Arrival::nothing_yet;
  }
  connection_.read_deadline_.clear();
  waiting_ = false;
  if (body_.done()) return Arrival::done;
  auto took = body_.put(connection_.in_, out);
  if (!took) {
    failed_ = true;
    return std::move(took).error();
  }
  connection_.consume(*took);
  return Arrival::some;
}

Task<Result<std::string>> Http1Exchange::read_body() {
  std::string body;
  TG_CO_CHECK(net::check_length(head_, connection_.context_.limits));
  TG_CO_CHECK(co_await continue_if_expected());
  if (head_.content_length) {
    TG_CO_CHECK(hold(*head_.content_length));
    body.reserve(*head_.content_length);
  }
  connection_.timed_out_ = false;
  connection_.read_deadline_.set(connection_.context_.timeouts.body);
  while (!body_.done()) {
    const bool any = co_await connection_.more_than(0);
    if (connection_.timed_out_) {
      failed_ = true;
      co_return Error{ErrorKind::request_timeout, "The request body did not arrive in time."};
    }
    if (!any) co_return Error{ErrorKind::cancelled, "The client left before its request was complete."};
    const std::size_t before = body.size();
    auto took = body_.put(connection_.in_, body);
    if (!took) {
      failed_ = true;
      co_return std::move(took).error();
    }
    connection_.consume(*took);
    if (!head_.content_length) TG_CO_CHECK(hold(body.size() - before));
  }
  connection_.read_deadline_.clear();
  co_return body;
}

Task<Status> Http1Exchange::respond(int status, HeaderLines headers, std::string_view body) {
  state_ = State::done;
  // Who keeps a connection of HTTP/1.0 has to say so (RFC 9112 §9.3).
  if (head_.http_1_0 && connected() == Connected::keep) headers.add("connection", "keep-alive");
  const auto head = plain_head(status, id_, headers, body.size(), connected());
  const std::array<std::string_view, 2> pieces = {head, head_.method == "HEAD" ? std::string_view() : body};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
}

Task<Status> Http1Exchange::start_stream(int status, HeaderLines headers, std::string_view first) {
  state_ = State::streaming;
  if (delimited() == Delimited::by_close) head_.keep_alive = false;
  const auto head = stream_head(status, id_, headers, connected(), delimited());
  const net::ChunkFrame frame(first.size());
  const std::array<std::string_view, 4> pieces = {head, in_chunks(frame.size_line()), first, in_chunks(frame.end())};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
}

Task<Status> Http1Exchange::write(std::string_view bytes) {
  if (bytes.empty()) co_return Status();
  const net::ChunkFrame frame(bytes.size());
  const std::array<std::string_view, 3> pieces = {in_chunks(frame.size_line()), bytes, in_chunks(frame.end())};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
}

Task<Status> Http1Exchange::end_stream(std::string_view last, HeaderLines trailers) {
  state_ = State::done;
  const net::ChunkFrame frame(last.size());
  const std::array<std::string_view, 6> pieces = {in_chunks(frame.size_line()), last,
                                                  in_chunks(frame.end()),       in_chunks(net::kLastChunkLine),
                                                  in_chunks(trailers.text()),   in_chunks("\r\n")};
  auto sent = co_await connection_.send(pieces);
  if (!sent) failed_ = true;
  co_return sent;
}

}  // namespace tollgate::server
