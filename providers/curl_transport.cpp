#include "providers/curl_transport.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <charconv>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "providers/curl_handle.h"
#include "providers/curl_loop.h"
#include "providers/endpoint.h"
#include "providers/request_head.h"

namespace tollgate::providers {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxBuffered = 262'144;
constexpr std::size_t kMaxHead = 65'536;
constexpr std::size_t kMaxSpareHandles = 64;
constexpr long kNoLimitSeconds = 24L * 60 * 60;  // 0 would mean curl's default of 300 s, CURLOPT_CONNECTTIMEOUT(3)

struct Shared {
  Shared(net::asio::io_context& io, Log& log_to) : executor(io.get_executor()), log(log_to), loop(io) {}

  // A spare one of the same endpoint, or a new one. Null: out of memory.
  CurlHandle take(const std::shared_ptr<const Endpoint>& endpoint) {
    const auto same = std::ranges::find(spare, endpoint, &CurlHandle::endpoint);
    if (same != spare.end()) {
      std::swap(*same, spare.back());
      CurlHandle handle = std::move(spare.back());
      spare.pop_back();
      return handle;
    }
    return make_handle(endpoint);
  }
  // A surplus drops the oldest, so that handles of endpoints no longer configured go.
  void give(CurlHandle handle) {
    if (!handle.curl) return;
    if (spare.size() >= kMaxSpareHandles) spare.erase(spare.begin());
    spare.push_back(std::move(handle));
  }

  net::Executor executor;
  Log& log;
  CurlLoop loop;
  std::vector<CurlHandle> spare;  // after loop: curl_multi_cleanup(3) wants the easy handles to be gone first
};

class CurlExchange final : public HttpExchange, private CurlTransfer {
 public:
  CurlExchange(Shared& shared, HttpCall call) : shared_(shared), call_(std::move(call)), changed_(shared.executor) {}
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;
  ~CurlExchange() override { leave(); }

  net::Task<Status> start() override;
  int status() const override { return status_; }
  std::string_view header(std::string_view name) const override;
  net::Task<Result<bool>> read_some(std::string& out) override;
  void cancel() override;
  bool dispatched() const override { return dispatched_; }

 private:
  enum class Wake : std::uint8_t { changed, too_late };

  bool begin();
  void set_request(CURL* curl);
  void set_callbacks(CURL* curl);
  net::Task<Wake> wait_until(SteadyTime limit);
  void wake() { changed_.cancel(); }
  void leave();
  void on_finished(CURLcode result) override;
  Error failure(bool too_late);
  void take_body(std::string& out);
  bool put_header(std::string_view line);
  bool begin_head(std::string_view status_line);

  static int on_request(void* self, char*, char*, int, int);
  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self);
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self);

  Shared& shared_;
  HttpCall call_;
  CurlHandle handle_;
  CurlList request_headers_;
  net::Timer changed_;  // its wait ends when something happened (cancelled) or the phase is over (expired)
  SteadyTime head_due_ = SteadyTime::max();
  std::vector<net::Header> headers_;
  std::size_t head_bytes_ = 0;
  std::string body_;
  CURLcode result_ = CURLE_OK;
  int status_ = 0;
  bool active_ = false;   // in the multi
  bool in_head_ = false;  // between a status line and its blank line
  bool head_done_ = false;
  bool finished_ = false;
  bool paused_ = false;
  bool dispatched_ = false;
  bool cancelled_ = false;
};

SteadyTime after(milliseconds limit) {
  return limit > milliseconds::zero() ? std::chrono::steady_clock::now() + limit : SteadyTime::max();
}

net::Task<Status> CurlExchange::start() {
  TG_CO_CHECK(check_request(call_));
  if (cancelled_) co_return failure(false);
  if (!begin()) co_return Error{.kind = ErrorKind::internal, .message = "the request could not be sent"};
  while (!head_done_ && !finished_ && !cancelled_) {
    const SteadyTime due = head_due_;
    const Wake woken = co_await wait_until(due);
    if (woken == Wake::too_late && due == head_due_ && !head_done_ && !finished_) co_return failure(true);
  }
  if (cancelled_ || !head_done_) co_return failure(false);
  co_return Status{};
}

bool CurlExchange::begin() {
  handle_ = shared_.take(call_.endpoint);
  if (!handle_.curl) return false;
  set_request(handle_.curl.get());
  set_callbacks(handle_.curl.get());
  active_ = shared_.loop.add(handle_.curl.get(), *this);
  return active_;
}

void CurlExchange::set_request(CURL* curl) {
  const Endpoint& to = *call_.endpoint;
  const std::string url = (to.tls ? "https://" : "http://") + to.authority() + to.base_path + call_.path;
  request_headers_ = header_list(call_.headers, to.host_name);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request_headers_.get());
  const bool has_body = !call_.body.empty() || call_.method != "GET";
  if (has_body) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call_.body.c_str());  // not copied: call_ outlives the transfer
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size()));
  } else {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call_.method.c_str());
  if (call_.timeouts.connect > milliseconds::zero()) {
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call_.timeouts.connect.count()));
  } else {
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kNoLimitSeconds);
  }
}

void CurlExchange::set_callbacks(CURL* curl) {
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, &on_request);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
}

// CURLOPT_PREREQFUNCTION(3): the connection stands, new or reused, and the request is about to be sent on it.
int CurlExchange::on_request(void* self_pointer, char*, char*, int, int) {
  auto& self = *static_cast<CurlExchange*>(self_pointer);
  self.dispatched_ = true;
  self.head_due_ = after(self.call_.timeouts.first_byte);
  self.wake();
  return CURL_PREREQFUNC_OK;
}

// CURLOPT_HEADERFUNCTION(3): one complete line per call, those of 1xx answers and of trailers too.
std::size_t CurlExchange::on_header(char* bytes, std::size_t, std::size_t size, void* self_pointer) {
  auto& self = *static_cast<CurlExchange*>(self_pointer);
  if (self.head_done_) return size;  // trailers never change what was decided on the head
  self.head_bytes_ += size;
  if (self.head_bytes_ > kMaxHead) return 0;
  return self.put_header({bytes, size}) ? size : 0;  // anything but `size` ends the transfer
}

bool CurlExchange::put_header(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  if (!in_head_) return begin_head(line);
  if (line.empty()) {
    in_head_ = false;
    head_done_ = status_ >= 200;
    if (head_done_) wake();
    return true;
  }
  const auto colon = line.find(':');
  const bool folded =
      line.front() == ' ' || line.front() == '\t';  // obsolete, RFC 9112 §5.2: no header of ours needs it
  if (folded || colon == std::string_view::npos) return true;
  const auto value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
  headers_.push_back({std::string(line.substr(0, colon)), std::string(line.substr(value))});
  return true;
}

bool CurlExchange::begin_head(std::string_view status_line) {
  headers_.clear();
  in_head_ = true;
  const auto code = std::min(status_line.find(' ') + 1, status_line.size());
  const auto [end, error] =
      std::from_chars(status_line.data() + code, status_line.data() + status_line.size(), status_);
  return error == std::errc() && status_ >= 100 && status_ <= 999;
}

std::size_t CurlExchange::on_body(char* bytes, std::size_t, std::size_t size, void* self_pointer) {
  auto& self = *static_cast<CurlExchange*>(self_pointer);
  // CURLOPT_WRITEFUNCTION(3): curl keeps what it offered and offers it again after curl_easy_pause.
  if (!self.body_.empty() && self.body_.size() + size > kMaxBuffered) {
    self.paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  self.body_.append(bytes, size);
  self.wake();
  return size;
}

std::string_view CurlExchange::header(std::string_view name) const {
  for (const auto& header : headers_)
    if (net::iequals(header.name, name)) return header.value;
  return {};
}

net::Task<Result<bool>> CurlExchange::read_some(std::string& out) {
  while (body_.empty() && !finished_ && !cancelled_) {
    const SteadyTime due = after(call_.timeouts.idle);
    const Wake woken = co_await wait_until(due);
    if (woken == Wake::too_late && body_.empty() && !finished_) co_return failure(true);
  }
  if (cancelled_) co_return failure(false);
  if (!body_.empty()) {
    take_body(out);
    co_return true;
  }
  if (result_ != CURLE_OK) co_return failure(false);
  co_return false;
}

void CurlExchange::take_body(std::string& out) {
  if (out.empty()) {
    out.swap(body_);  // both buffers are used again and again
  } else {
    out.append(body_);
  }
  body_.clear();
  if (!paused_) return;
  paused_ = false;
  curl_easy_pause(handle_.curl.get(), CURLPAUSE_CONT);  // may call on_body before it returns: curl_easy_pause(3)
}

net::Task<CurlExchange::Wake> CurlExchange::wait_until(SteadyTime limit) {
  boost::system::error_code error;
  changed_.expires_at(limit);
  co_await changed_.async_wait(net::asio::redirect_error(net::use_task, error));
  co_return error ? Wake::changed : Wake::too_late;
}

void CurlExchange::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  leave();
  wake();
}

void CurlExchange::leave() {
  if (active_) shared_.loop.remove(handle_.curl.get());
  active_ = false;
  shared_.give(std::exchange(handle_, {}));
}

void CurlExchange::on_finished(CURLcode result) {
  active_ = false;
  finished_ = true;
  paused_ = false;
  result_ = result;
  leave();
  wake();
}

Error CurlExchange::failure(bool too_late) {
  leave();
  if (cancelled_) return Error{.kind = ErrorKind::cancelled, .message = "the call was cancelled"};
  const bool connecting = !dispatched_;
  if (finished_) {
    shared_.log.write(LogLevel::debug, "curl_transfer_failed", curl_easy_strerror(result_),
                      {{"code", std::int64_t{result_}}, {"connecting", connecting}});
  }
  finished_ = true;
  if (result_ == CURLE_OK) result_ = CURLE_ABORTED_BY_CALLBACK;  // a later read_some() fails too
  if (connecting) {
    const bool slow = too_late || result_ == CURLE_OPERATION_TIMEDOUT;
    if (slow) return Error{.kind = ErrorKind::upstream_timeout, .message = "could not connect to the provider in time"};
    return Error{.kind = ErrorKind::upstream_error, .message = "could not connect to the provider"};
  }
  if (too_late) return Error{.kind = ErrorKind::upstream_timeout, .message = "the provider did not answer in time"};
  return Error{.kind = ErrorKind::upstream_error,
               .message = "the provider closed the connection before its answer was complete"};
}

class CurlTransport final : public Transport {
 public:
  CurlTransport(net::asio::io_context& io, Log& log) : shared_(io, log) {}
  std::unique_ptr<HttpExchange> open(HttpCall call) override {
    return std::make_unique<CurlExchange>(shared_, std::move(call));
  }

 private:
  Shared shared_;
};

}  // namespace

std::unique_ptr<Transport> curl_transport(net::asio::io_context& io, Log& log) {
  return std::make_unique<CurlTransport>(io, log);
}

}  // namespace tollgate::providers
