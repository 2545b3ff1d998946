#include "gateway/process/check/watched_transport.h"

#include <algorithm>
#include <utility>

#include "gateway/process/check/diagnosis.h"
#include "providers/http_date.h"

namespace tollgate::process {
namespace {

using providers::HttpExchange;

constexpr std::size_t kMaxBodyStart = 8 * 1024;

class WatchedExchange final : public HttpExchange {
 public:
  WatchedExchange(std::unique_ptr<HttpExchange> inner, std::shared_ptr<SeenExchange> seen, const Watch& watch)
      : inner_(std::move(inner)), seen_(std::move(seen)), watch_(watch) {}

  net::Task<Status> start() override {
    auto started = co_await inner_->start();
    if (!started) {
      seen_->failure = started.error();
      co_return started;
    }
    seen_->status = inner_->status();
    seen_->content_type = inner_->header("content-type");
    seen_->date = providers::parse_http_date(inner_->header("date"));
    seen_->seen_at = watch_.now();
    seen_->code = error_code_in(inner_->header("x-amzn-errortype"), "");
    co_return started;
  }

  net::Task<Result<bool>> read_some(std::string& out) override {
    const std::size_t before = out.size();
    auto more = co_await inner_->read_some(out);
    if (!more) seen_->failure = more.error();
    if (seen_->status < 200 || seen_->status > 299) keep(std::string_view(out).substr(before));
    co_return more;
  }

  int status() const override { return inner_->status(); }
  std::string_view header(std::string_view name) const override { return inner_->header(name); }
  void cancel() override { inner_->cancel(); }
  bool dispatched() const override { return inner_->dispatched(); }

 private:
  void keep(std::string_view bytes) {
    seen_->body_start += bytes.substr(0, kMaxBodyStart - std::min(kMaxBodyStart, seen_->body_start.size()));
    if (seen_->code.empty()) seen_->code = error_code_in("", seen_->body_start);
  }

  std::unique_ptr<HttpExchange> inner_;
  std::shared_ptr<SeenExchange> seen_;
  const Watch& watch_;
};

class WatchedTransport final : public providers::Transport {
 public:
  WatchedTransport(std::unique_ptr<Transport> inner, Watch& watch) : inner_(std::move(inner)), watch_(watch) {}

  std::unique_ptr<HttpExchange> open(providers::HttpCall call) override {
    auto seen = watch_.begin(call.endpoint);
    return std::make_unique<WatchedExchange>(inner_->open(std::move(call)), std::move(seen), watch_);
  }

 private:
  std::unique_ptr<Transport> inner_;
  Watch& watch_;
};

}  // namespace

std::shared_ptr<SeenExchange> Watch::begin(std::shared_ptr<const providers::Endpoint> endpoint) {
  auto seen = std::make_shared<SeenExchange>();
  seen->endpoint = std::move(endpoint);
  seen_.push_back(seen);
  return seen;
}

std::vector<SeenExchange> Watch::take() {
  std::vector<SeenExchange> out;
  for (const auto& one : std::exchange(seen_, {})) out.push_back(*one);
  return out;
}

std::unique_ptr<providers::Transport> watched(std::unique_ptr<providers::Transport> inner, Watch& watch) {
  return std::make_unique<WatchedTransport>(std::move(inner), watch);
}

}  // namespace tollgate::process
