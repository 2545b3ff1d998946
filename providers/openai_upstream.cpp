// A provider that speaks OpenAI's chat API: a dialect over a transport.
#include <utility>

#include "providers/identity/url_text.h"
#include "providers/sse.h"
#include "providers/upstream.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxErrorBody = 64 * 1024;
constexpr std::size_t kMaxBody = 32 * 1024 * 1024;
constexpr std::size_t kMaxFrame = 1024 * 1024;
constexpr std::size_t kMaxAfterDone = 64 * 1024;
constexpr std::chrono::milliseconds kDrainTime(250);

// Allow-list: nothing of the client's own headers crosses.
std::vector<net::Header> headers_for(const ProviderOptions& options, const AttemptRequest& request) {
  std::vector<net::Header> headers;
  headers.reserve(8);
  if (options.api_key && !options.api_key->empty()) {
    const bool azure = options.key_header == KeyHeader::api_key;
    std::string value(azure ? "" : "Bearer ");
    value += options.api_key->reveal();
    headers.push_back({azure ? "api-key" : "authorization", std::move(value)});
  }
  headers.push_back({"content-type", "application/json"});
  headers.push_back({"accept", request.call->index.stream ? "text/event-stream" : "application/json"});
  headers.push_back({"accept-encoding", "identity"});
  headers.push_back({"user-agent", "tollgate/0.1"});
  headers.push_back({"x-request-id", request.request_id});
  return headers;
}

// Azure's older routes name the deployment in the path (Azure OpenAI REST reference).
std::string chat_path(const ProviderOptions& options, std::string_view model) {
  if (options.api_version.empty()) return "/chat/completions";
  return "/deployments/" + url_encode(model) + "/chat/completions?api-version=" + options.api_version;
}

HttpCall http_call(const ProviderOptions& options, AttemptRequest request) {
  HttpCall call;
  call.endpoint = options.endpoint;
  call.path = chat_path(options, request.upstream_model);
  call.headers = headers_for(options, request);
  auto edits = std::move(request.edits);
  edits.reserve(edits.size() + 2);
  for (auto& edit : upstream_edits(*request.call, request.upstream_model)) edits.push_back(std::move(edit));
  call.body = splice(*request.call->body, std::move(edits));
  call.timeouts = request.timeouts;
  return call;
}

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view kType = "text/event-stream";
  return net::iequals(content_type.substr(0, kType.size()), kType);
}

Error upstream_error(std::string code, std::string message) {
  return Error{.kind = ErrorKind::upstream_error, .message = std::move(message), .code = std::move(code)};
}

class ChatStream final : public EventStream {
 public:
  explicit ChatStream(std::unique_ptr<HttpExchange> exchange) : exchange_(std::move(exchange)), parser_(kMaxFrame) {}

  net::Task<Result<std::optional<Batch>>> next() override {
    if (cancelled_) co_return Error{ErrorKind::cancelled, "The call was cancelled."};
    if (state_ == State::fresh) TG_CO_CHECK(co_await start());
    if (state_ == State::body) co_return co_await whole_body();
    if (!ahead_ && state_ == State::stream) ahead_ = co_await read_frame();
    if (ahead_) co_return take_ahead();
    if (state_ == State::done) co_await drain();
    co_return std::optional<Batch>();
  }

  bool buffered() const override { return ahead_.has_value(); }

  void cancel() override {
    cancelled_ = true;
    exchange_->cancel();
  }

  bool dispatched() const override { return exchange_->dispatched(); }

 private:
  enum class State : std::uint8_t { fresh, stream, body, done, ended };

  net::Task<Status> start() {
    TG_CO_CHECK(co_await exchange_->start());
    const int status = exchange_->status();
    if (status < 200 || status > 299) co_return co_await error_reply(status);
    const auto coding = exchange_->header("content-encoding");
    if (!coding.empty() && !net::iequals(coding, "identity"))
      co_return upstream_error("upstream_encoding", "The provider compressed its answer although it was asked not to.");
    state_ = is_event_stream(exchange_->header("content-type")) ? State::stream : State::body;
    co_return Status();
  }

  // The status is known: a body that is cut or too long only costs its words.
  net::Task<Status> error_reply(int status) {
    std::string body;
    while (body.size() < kMaxErrorBody) {
      const Result<bool> more = co_await exchange_->read_some(body);
      if (!more || !*more) break;
    }
    if (cancelled_) co_return Error{ErrorKind::cancelled, "The call was cancelled."};
    if (body.size() > kMaxErrorBody) body.clear();
    co_return decode_error_reply(status, body, exchange_->header("retry-after-ms"), exchange_->header("retry-after"),
                                 exchange_->header("date"));
  }

  net::Task<Result<std::optional<Batch>>> whole_body() {
    std::string body;
    bool more = true;
    while (more) {
      TG_CO_TRY(more, co_await exchange_->read_some(body));
      if (body.size() > kMaxBody)
        co_return upstream_error("upstream_body_too_long", "The provider sent an answer that is too long.");
    }
    state_ = State::ended;
    TG_CO_TRY(auto batch, decode_chat_response(std::move(body)));
    co_return std::optional<Batch>(std::move(batch));
  }

  using Next = Result<std::optional<Batch>>;

  net::Task<Next> read_frame() {
    while (true) {
      TG_CO_TRY(auto frame, body_ended_ ? parser_.last() : parser_.next());
      if (frame) co_return decode(*frame);
      if (body_ended_) co_return end_of_stream();
      TG_CO_TRY(const bool more, co_await exchange_->read_some(parser_.input()));
      body_ended_ = !more;
    }
  }

  // Hands out the batch and decodes the one after it, if its bytes came along. An error waits for its turn.
  Next take_ahead() {
    Next now = *std::exchange(ahead_, std::nullopt);
    if (!now || !*now || state_ != State::stream || body_ended_) return now;
    auto frame = parser_.next();
    if (!frame)
      ahead_ = std::move(frame).error();
    else if (*frame)
      ahead_ = decode(**frame);
    return now;
  }

  Result<std::optional<Batch>> decode(const SseFrame& frame) {
    TG_TRY(auto batch, decode_chat_event(std::string(frame.raw), frame.data, frame.data_offset));
    for (const Event& event : batch.events) {
      finish_seen_ = finish_seen_ || event.kind == Event::Kind::finish;
      if (event.kind == Event::Kind::done) state_ = State::done;
    }
    return std::optional<Batch>(std::move(batch));
  }

  Result<std::optional<Batch>> end_of_stream() {
    state_ = State::ended;
    if (finish_seen_) return std::optional<Batch>();  // several servers leave [DONE] out
    return upstream_error("upstream_stream_interrupted", "The provider's stream ended without its end marker.");
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

  std::shared_ptr<HttpExchange> exchange_;  // shared with drain()'s timer only
  SseParser parser_;
  std::optional<Next> ahead_;  // decoded and not yet handed out
  State state_ = State::fresh;
  bool body_ended_ = false;
  bool finish_seen_ = false;
  bool cancelled_ = false;
};

class OpenaiUpstream final : public Upstream {
 public:
  OpenaiUpstream(ProviderOptions options, Transport& transport) : options_(std::move(options)), transport_(transport) {}

  std::unique_ptr<EventStream> start(AttemptRequest request) override {
    return std::make_unique<ChatStream>(transport_.open(http_call(options_, std::move(request))));
  }

 private:
  ProviderOptions options_;
  Transport& transport_;
};

}  // namespace

std::unique_ptr<Upstream> openai_upstream(ProviderOptions options, Transport& transport) {
  return std::make_unique<OpenaiUpstream>(std::move(options), transport);
}

}  // namespace tollgate::providers
