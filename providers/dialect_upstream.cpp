#include "providers/dialect_upstream.h"

#include <utility>

#include "providers/front_end.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxErrorBody = 64 * 1024;
constexpr std::size_t kMaxAfterDone = 64 * 1024;
constexpr std::chrono::milliseconds kDrainTime(250);

Error cancelled() { return Error{ErrorKind::cancelled, "The call was cancelled."}; }

// Allow-list: nothing of the client's own headers crosses.
void add_common_headers(HttpCall& call, const AttemptRequest& request) {
  call.headers.push_back({"accept-encoding", "identity"});
  call.headers.push_back({"user-agent", "tollgate/0.1"});
  call.headers.push_back({"x-request-id", request.request_id});
}

class DialectStream final : public EventStream {
 public:
  DialectStream(const ProviderDialect& dialect, const ProviderOptions& options, std::shared_ptr<Authorizer> authorizer,
                Transport& transport, const AttemptRequest& request)
      : dialect_(dialect), authorizer_(std::move(authorizer)), transport_(transport) {
    auto encoded = encode(options, request);
    if (!encoded) failure_ = std::move(encoded).error();
  }

  net::Task<Result<std::optional<Batch>>> next() override {
    if (cancelled_) co_return cancelled();
    if (failure_) co_return *failure_;
    if (state_ == State::fresh) TG_CO_CHECK(co_await start());
    if (!ahead_ && state_ == State::body) ahead_ = co_await read_batch();
    if (ahead_) co_return take_ahead();
    if (state_ == State::done) co_await drain();
    co_return std::optional<Batch>();
  }

  bool buffered() const override { return ahead_.has_value(); }

  void cancel() override {
    cancelled_ = true;
    if (exchange_)
      exchange_->cancel();
    else
      authorizer_->cancel(call_);
  }

  bool dispatched() const override { return exchange_ && exchange_->dispatched(); }

  std::string lossy() const override {
    std::string out;
    for (const std::string& field : lossy_) out += (out.empty() ? "" : ", ") + field;
    return out;
  }

 private:
  using Next = Result<std::optional<Batch>>;
  enum class State : std::uint8_t { fresh, body, done, ended };

  Status encode(const ProviderOptions& options, const AttemptRequest& request) {
    const FrontEnd& front = front_end(request.call->api);
    TG_TRY(auto canonical, front.canonicalise(splice(*request.call->body, request.edits)));
    DialectTarget target;
    target.model = request.upstream_model;
    target.stream = request.call->index.stream;
    target.default_max_tokens = options.default_max_tokens;
    TG_TRY(auto encoded, dialect_.encode(std::move(canonical), target));
    call_.endpoint = options.endpoint;
    call_.path = std::move(encoded.path);
    call_.headers = std::move(encoded.headers);
    call_.body = std::move(encoded.body);
    call_.timeouts = request.timeouts;
    add_common_headers(call_, request);
    lossy_ = std::move(encoded.lossy);
    context_ = std::move(encoded.answer);
    context_.id_seed = request.request_id;
    std::erase(context_.id_seed, '-');
    return {};
  }

  net::Task<Status> start() {
    TG_CO_CHECK(co_await authorizer_->authorize(call_));
    if (cancelled_) co_return cancelled();
    exchange_ = transport_.open(std::move(call_));
    TG_CO_CHECK(co_await exchange_->start());
    const int status = exchange_->status();
    if (status < 200 || status > 299) co_return co_await error_reply(status);
    const auto coding = exchange_->header("content-encoding");
    if (!coding.empty() && !net::iequals(coding, "identity"))
      co_return Error{.kind = ErrorKind::upstream_error,
                      .message = "The provider compressed its answer although it was asked not to.",
                      .code = "upstream_encoding"};
    decoder_ = dialect_.decoder(std::move(context_), exchange_->header("content-type"));
    state_ = State::body;
    co_return Status();
  }

  // The status is known: a body that is cut or too long only costs its words.
  net::Task<Status> error_reply(int status) {
    std::string body;
    while (body.size() <= kMaxErrorBody) {
      const Result<bool> more = co_await exchange_->read_some(body);
      if (!more || !*more) break;
    }
    if (cancelled_) co_return cancelled();
    if (body.size() > kMaxErrorBody) body.clear();
    ErrorAnswer answer;
    answer.status = status;
    answer.body = body;
    answer.retry_after_ms = exchange_->header("retry-after-ms");
    answer.retry_after = exchange_->header("retry-after");
    answer.date = exchange_->header("date");
    answer.aws_error_type = exchange_->header("x-amzn-errortype");
    Error error = dialect_.decode_error(answer);
    error.upstream_status = status;
    if (error.code == "upstream_auth_error") authorizer_->refused();
    co_return error;
  }

  net::Task<Next> read_batch() {
    while (true) {
      TG_CO_TRY(auto batch, decode());
      if (batch) co_return std::optional<Batch>(std::move(batch));
      if (body_ended_) {
        state_ = State::ended;
        co_return std::optional<Batch>();
      }
      TG_CO_TRY(const bool more, co_await exchange_->read_some(decoder_->input()));
      body_ended_ = !more;
    }
  }

  Next decode() {
    auto batch = body_ended_ ? decoder_->end() : decoder_->next();
    if (!batch) {
      // Before content a refusal is as good as one that came with a status: it has cost nothing.
      if (!content_) batch.error().upstream_status = http_status(batch.error().kind);
    } else if (*batch) {
      note(**batch);
    }
    return batch;
  }

  void note(const Batch& batch) {
    content_ = content_ || batch.has_content();
    const bool done = !batch.events.empty() && batch.events.back().kind == Event::Kind::done;
    if (done) state_ = body_ended_ ? State::ended : State::done;
  }

  // Hands out the batch and decodes the one after it, if its bytes came along. An error waits for its turn.
  Next take_ahead() {
    Next now = *std::exchange(ahead_, std::nullopt);
    if (!now || !*now || state_ != State::body || body_ended_) return now;
    auto following = decode();
    if (following && !*following) return now;
    ahead_ = std::move(following);
    return now;
  }

  // Reads what follows the end marker, normally nothing, so that the connection can be used again. A provider that
  // keeps the body open must not keep the call open: it loses the connection.
  net::Task<void> drain() {
    state_ = State::ended;
    const net::Executor executor = co_await net::asio::this_coro::executor;
    net::Timer patience(executor, kDrainTime);
    patience.async_wait([weak = std::weak_ptr(exchange_)](const boost::system::error_code& error) {
      const auto exchange = weak.lock();
      if (!error && exchange) exchange->cancel();
    });
    std::string rest;
    while (rest.size() < kMaxAfterDone) {
      const Result<bool> more = co_await exchange_->read_some(rest);
      if (!more || !*more) co_return;
    }
  }

  const ProviderDialect& dialect_;
  std::shared_ptr<Authorizer> authorizer_;
  Transport& transport_;
  std::optional<Error> failure_;  // the call cannot be sent
  HttpCall call_;                 // until it is handed to the transport
  AnswerContext context_;         // until it is handed to the decoder
  std::vector<std::string> lossy_;
  std::shared_ptr<HttpExchange> exchange_;  // shared with drain()'s timer only
  std::unique_ptr<AnswerDecoder> decoder_;
  std::optional<Next> ahead_;  // decoded and not yet handed out
  State state_ = State::fresh;
  bool content_ = false;  // was handed out
  bool body_ended_ = false;
  bool cancelled_ = false;
};

class DialectUpstream final : public Upstream {
 public:
  DialectUpstream(const ProviderDialect& dialect, ProviderOptions options, std::shared_ptr<Authorizer> authorizer,
                  Transport& transport)
      : dialect_(dialect), options_(std::move(options)), authorizer_(std::move(authorizer)), transport_(transport) {}

  std::unique_ptr<EventStream> start(AttemptRequest request) override {
    return std::make_unique<DialectStream>(dialect_, options_, authorizer_, transport_, request);
  }

 private:
  const ProviderDialect& dialect_;
  ProviderOptions options_;
  std::shared_ptr<Authorizer> authorizer_;
  Transport& transport_;
};

}  // namespace

std::shared_ptr<Authorizer> key_authorizer(const ProviderOptions& options) {
  switch (options.key_header) {
    case KeyHeader::api_key:
      return api_key_authorizer(options.api_key);
    case KeyHeader::x_api_key:
      return x_api_key_authorizer(options.api_key);
    case KeyHeader::x_goog_api_key:
      return x_goog_api_key_authorizer(options.api_key);
    case KeyHeader::bearer:
      break;
  }
  return bearer_authorizer(options.api_key);
}

std::unique_ptr<Upstream> dialect_upstream(const ProviderDialect& dialect, ProviderOptions options,
                                           std::shared_ptr<Authorizer> authorizer, Transport& transport) {
  return std::make_unique<DialectUpstream>(dialect, std::move(options), std::move(authorizer), transport);
}

}  // namespace tollgate::providers
