#include "providers/embedding_upstream.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "gateway/net/signal.h"
#include "providers/native_api.h"
#include "providers/provider_call.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

// Providers bound a call by tokens (Vertex AI: 20,000), too; a byte is less than half a token in what people write.
constexpr std::size_t kMaxBytesPerCall = 40'000;
constexpr std::size_t kMaxBody = 64 * 1024 * 1024;
constexpr std::size_t kCallsAtOnce = 8;  // of one caller's call: quick, and no flood on the provider's limits

Error no_embeddings() {
  return invalid_value("model", "This model has no embeddings. GET /v1/models lists what you may use.",
                       "unsupported_api");
}

// As many inputs to a call as the API takes, and at least one.
std::vector<EmbeddingRequest> parts_of(const EmbeddingRequest& asked, std::size_t most) {
  std::vector<EmbeddingRequest> parts;
  std::size_t bytes = 0;
  for (const std::string& input : asked.inputs) {
    bytes += input.size();
    if (parts.empty() || parts.back().inputs.size() == most || bytes > kMaxBytesPerCall) {
      EmbeddingRequest& part = parts.emplace_back();
      part.dimensions = asked.dimensions;
      part.input_type = asked.input_type;
      bytes = input.size();
    }
    parts.back().inputs.push_back(input);
  }
  return parts;
}

// How each of the calls is made.
struct Route {
  const EmbeddingDialect& dialect;
  Error (*decode_error)(const ErrorAnswer& answer);
  ProviderOptions options;
  std::string model;
  CallMarks marks;
  Timeouts timeouts;
  EmbeddingTarget target() const {
    return {model, options.endpoint->host, options.api_version, deployment_in_path(options)};
  }
};

// The calls of one request, which their coroutines share: each takes the next part that nobody has taken. The first
// failure ends them all.
class Calls {
 public:
  Calls(Route route, std::shared_ptr<Authorizer> authorizer, Transport& transport)
      : route_(std::move(route)), authorizer_(std::move(authorizer)), transport_(transport) {}

  const Route& route() const { return route_; }
  const std::vector<std::string>& lossy() const { return lossy_; }
  const std::vector<EmbeddingAnswer>& answers() const { return answers_; }

  bool dispatched() const {
    return std::any_of(wires_.begin(), wires_.end(), [](const auto& wire) { return wire->dispatched(); });
  }

  // Of the answer that came last, which is the refusal where there was one.
  const std::string& provider_request_id() const { return provider_request_id_; }

  // Of all answers together.
  PoolReport pool_report() const { return {compute_us_, {}}; }

  void cancel() { fail(cancelled()); }

  // Ok: answers() has one for each part.
  static net::Task<Status> run(std::shared_ptr<Calls> self, std::vector<EmbeddingRequest> parts) {
    const net::Executor executor = co_await net::asio::this_coro::executor;
    self->begin(std::move(parts), executor);
    for (std::size_t i = 1; i < self->wires_.size(); ++i) {
      auto calls = work(self, *self->wires_[i]);
      net::asio::co_spawn(executor, std::move(calls), [self](const std::exception_ptr& bug) { self->ended(bug); });
    }
    auto own = work(self, *self->wires_.front());
    co_await std::move(own);
    while (self->running_ > 0) co_await self->none_left_->wait();
    if (self->failure_) co_return *self->failure_;
    co_return Status();
  }

 private:
  void begin(std::vector<EmbeddingRequest> parts, const net::Executor& executor) {
    parts_ = std::move(parts);
    answers_.resize(parts_.size());
    const std::size_t at_once = std::min(kCallsAtOnce, parts_.size());
    while (wires_.size() < at_once) wires_.push_back(std::make_unique<ProviderCall>(authorizer_, transport_));
    running_ = at_once - 1;
    none_left_.emplace(executor);
  }

  // Of one that was started beside.
  void ended(const std::exception_ptr& bug) {
    if (bug) fail(Error{.kind = ErrorKind::internal, .message = "The gateway failed."});
    if (--running_ == 0) none_left_->notify();
  }

  void fail(Error error) {
    if (failure_) return;
    failure_ = std::move(error);
    for (const auto& wire : wires_) wire->cancel();
  }

  static net::Task<void> work(std::shared_ptr<Calls> self, ProviderCall& wire) {
    while (!self->failure_ && self->next_ < self->parts_.size()) {
      const std::size_t at = self->next_++;
      auto answer = co_await self->ask(self->parts_[at], wire);
      if (answer)
        self->answers_[at] = *std::move(answer);
      else
        self->fail(std::move(answer).error());
    }
  }

  net::Task<Result<EmbeddingAnswer>> ask(const EmbeddingRequest& part, ProviderCall& wire) {
    TG_CO_TRY(auto encoded, route_.dialect.encode(part, route_.target()));
    lossy_ = std::move(encoded.lossy);
    HttpCall call = http_call(std::move(encoded), route_.options, route_.timeouts, route_.marks);
    const Status sent = co_await wire.send(std::move(call), route_.decode_error);
    if (!failure_) provider_request_id_ = wire.provider_request_id();
    if (!sent) co_return sent.error();
    TG_CO_TRY(const std::string body, co_await wire.whole_body(kMaxBody));
    const std::int64_t took = wire.pool_report().compute_us;
    compute_us_ = took < 0 || compute_us_ < 0 ? -1 : compute_us_ + took;
    TG_CO_TRY(auto answer, route_.dialect.decode(body, wire.exchange().header("x-amzn-bedrock-input-token-count")));
    if (answer.vectors.size() != part.inputs.size()) co_return upstream_garbage();
    co_return answer;
  }

  Route route_;
  std::shared_ptr<Authorizer> authorizer_;
  Transport& transport_;
  std::vector<EmbeddingRequest> parts_;
  std::vector<EmbeddingAnswer> answers_;  // parallel to parts_
  std::vector<std::unique_ptr<ProviderCall>> wires_;
  std::vector<std::string> lossy_;  // every part's is the same
  std::string provider_request_id_;
  std::int64_t compute_us_ = 0;
  std::size_t next_ = 0;     // part that nobody has taken
  std::size_t running_ = 0;  // coroutines beside the one that waits for all
  std::optional<net::Signal> none_left_;
  std::optional<Error> failure_;
};

class EmbeddingStream final : public EventStream {
 public:
  EmbeddingStream(std::shared_ptr<Calls> calls, Result<EmbeddingRequest> asked)
      : calls_(std::move(calls)), asked_(std::move(asked)) {}
  ~EmbeddingStream() override {
    if (!ended_) calls_->cancel();
  }
  EmbeddingStream(const EmbeddingStream&) = delete;
  EmbeddingStream& operator=(const EmbeddingStream&) = delete;

  net::Task<Result<std::optional<Batch>>> next() override {
    if (ended_) co_return std::optional<Batch>();
    if (!asked_) co_return asked_.error();
    const std::size_t most = calls_->route().dialect.batch(calls_->route().target());
    if (most == 0) co_return no_embeddings();
    auto all = Calls::run(calls_, parts_of(*asked_, most));
    TG_CO_CHECK(co_await std::move(all));
    ended_ = true;
    co_return std::optional<Batch>(batch());
  }

  void cancel() override { calls_->cancel(); }
  bool dispatched() const override { return calls_->dispatched(); }
  std::string provider_request_id() const override { return calls_->provider_request_id(); }
  PoolReport pool_report() const override { return calls_->pool_report(); }

  // Before anything is sent too: who refuses losses asks then.
  std::string lossy() const override {
    if (!asked_ || asked_->inputs.empty()) return {};
    std::vector<std::string> lost = asked_->lossy;
    const auto also = dispatched() ? calls_->lossy() : foreseen();
    lost.insert(lost.end(), also.begin(), also.end());
    return listed(lost);
  }

 private:
  std::vector<std::string> foreseen() const {
    const Route& route = calls_->route();
    const std::size_t most = route.dialect.batch(route.target());
    if (most == 0) return {};
    const auto encoded = route.dialect.encode(parts_of(*asked_, most).front(), route.target());
    return encoded ? encoded->lossy : std::vector<std::string>();
  }

  Batch batch() const {
    Batch out;
    std::uint32_t input = 0;
    std::int64_t tokens = 0;
    for (const EmbeddingAnswer& answer : calls_->answers()) {
      for (const auto& vector : answer.vectors) out.events.push_back(embedding_event(input++, vector));
      tokens = tokens < 0 || answer.tokens < 0 ? -1 : tokens + answer.tokens;
    }
    Event& told = out.events.emplace_back();
    told.kind = Event::Kind::usage;
    told.usage.input = tokens;
    told.usage.output = tokens < 0 ? -1 : 0;
    out.events.emplace_back().kind = Event::Kind::done;
    return out;
  }

  std::shared_ptr<Calls> calls_;
  Result<EmbeddingRequest> asked_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<EventStream> embedding_stream(const ProviderDialect& dialect, const ProviderOptions& options,
                                              std::shared_ptr<Authorizer> authorizer, Transport& transport,
                                              const AttemptRequest& request) {
  Route route{*dialect.embeddings,    dialect.decode_error, options,
              request.upstream_model, marks_of(request),    request.timeouts};
  return std::make_unique<EmbeddingStream>(
      std::make_shared<Calls>(std::move(route), std::move(authorizer), transport),
      front_end(request.call->api).embeds(splice(*request.call->body, request.edits)));
}

}  // namespace tollgate::providers
