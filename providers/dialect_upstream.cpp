#include "providers/dialect_upstream.h"

#include <utility>

#include "providers/front_end.h"
#include "providers/native_api.h"
#include "providers/provider_call.h"

namespace tollgate::providers {
namespace {

class DialectStream final : public EventStream {
 public:
  DialectStream(const ProviderDialect& dialect, const ProviderOptions& options, std::shared_ptr<Authorizer> authorizer,
                Transport& transport, const AttemptRequest& request)
      : dialect_(dialect), wire_(std::move(authorizer), transport) {
    auto encoded = encode(options, request);
    if (!encoded) failure_ = std::move(encoded).error();
  }

  net::Task<Result<std::optional<Batch>>> next() override {
    if (wire_.is_cancelled()) co_return cancelled();
    if (failure_) co_return *failure_;
    if (state_ == State::fresh) TG_CO_CHECK(co_await start());
    if (!ahead_ && state_ == State::body) ahead_ = co_await read_batch();
    if (ahead_) co_return take_ahead();
    if (state_ == State::done) {
      state_ = State::ended;
      co_await wire_.drain();
    }
    co_return std::optional<Batch>();
  }

  bool buffered() const override { return ahead_.has_value(); }

  void cancel() override { wire_.cancel(); }
  bool dispatched() const override { return wire_.dispatched(); }
  std::string provider_request_id() const override { return wire_.provider_request_id(); }
  PoolReport pool_report() const override { return wire_.pool_report(); }

  std::string lossy() const override { return listed(lossy_); }

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
    target.api_version = options.api_version;
    target.deployment_in_path = deployment_in_path(options);
    target.max_completion_tokens = options.max_completion_tokens;
    target.quirks = options.quirks;
    target.sagemaker = options.sagemaker;
    target.generate = options.generate;
    target.same_api = request.call->api == Api::chat;
    TG_TRY(auto encoded, dialect_.encode(std::move(canonical), target));
    lossy_ = std::move(encoded.lossy);
    context_ = std::move(encoded.answer);
    call_ = http_call(std::move(encoded), options, request.timeouts, marks_of(request));
    context_.id_seed = request.request_id;
    std::erase(context_.id_seed, '-');
    return {};
  }

  net::Task<Status> start() {
    TG_CO_CHECK(co_await wire_.send(std::move(call_), dialect_.decode_error));
    decoder_ = dialect_.decoder(std::move(context_), wire_.exchange().header("content-type"));
    state_ = State::body;
    co_return Status();
  }

  net::Task<Next> read_batch() {
    while (true) {
      TG_CO_TRY(auto batch, decode());
      if (batch) co_return std::optional<Batch>(std::move(batch));
      if (body_ended_) {
        state_ = State::ended;
        co_return std::optional<Batch>();
      }
      TG_CO_TRY(const bool more, co_await wire_.exchange().read_some(decoder_->input()));
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

  const ProviderDialect& dialect_;
  ProviderCall wire_;
  std::optional<Error> failure_;  // the call cannot be sent
  HttpCall call_;                 // until it is sent
  AnswerContext context_;         // until it is handed to the decoder
  std::vector<std::string> lossy_;
  std::unique_ptr<AnswerDecoder> decoder_;
  std::optional<Next> ahead_;  // decoded and not yet handed out
  State state_ = State::fresh;
  bool content_ = false;  // was handed out
  bool body_ended_ = false;
};

}  // namespace

std::unique_ptr<EventStream> dialect_stream(const ProviderDialect& dialect, const ProviderOptions& options,
                                            std::shared_ptr<Authorizer> authorizer, Transport& transport,
                                            const AttemptRequest& request) {
  return std::make_unique<DialectStream>(dialect, options, std::move(authorizer), transport, request);
}

}  // namespace tollgate::providers
