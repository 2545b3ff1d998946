#include "providers/embedding_upstream.h"

#include <algorithm>
#include <utility>

#include "providers/provider_call.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

// Providers bound a call by tokens (Vertex AI: 20,000), too; a byte is less than half a token in what people write.
constexpr std::size_t kMaxBytesPerCall = 40'000;
constexpr std::size_t kMaxBody = 64 * 1024 * 1024;

Error no_embeddings() {
  return Error{.kind = ErrorKind::invalid_request,
               .message = "This model has no embeddings. GET /v1/models lists what you may use.",
               .code = "unsupported_api",
               .param = "model",
               .retryable = false};
}

class EmbeddingStream final : public EventStream {
 public:
  EmbeddingStream(const EmbeddingDialect& dialect, const ProviderDialect& errors, const ProviderOptions& options,
                  std::shared_ptr<Authorizer> authorizer, Transport& transport, const AttemptRequest& request)
      : dialect_(dialect),
        errors_(errors),
        endpoint_(options.endpoint),
        wire_(std::move(authorizer), transport),
        model_(request.upstream_model),
        request_id_(request.request_id),
        timeouts_(request.timeouts),
        asked_(read_embeddings(splice(*request.call->body, request.edits))) {}

  net::Task<Result<std::optional<Batch>>> next() override {
    if (wire_.is_cancelled()) co_return cancelled();
    if (ended_) co_return std::optional<Batch>();
    if (!asked_) co_return asked_.error();
    if (dialect_.batch(target()) == 0) co_return no_embeddings();
    Batch all;
    std::int64_t tokens = 0;
    while (done_ < asked_->inputs.size()) {
      TG_CO_TRY(const EmbeddingAnswer answer, co_await ask());
      for (const auto& vector : answer.vectors)
        all.events.push_back(embedding_event(static_cast<std::uint32_t>(done_++), vector));
      tokens = tokens < 0 || answer.tokens < 0 ? -1 : tokens + answer.tokens;
    }
    ended_ = true;
    add_usage(tokens, all);
    co_return std::optional<Batch>(std::move(all));
  }

  void cancel() override { wire_.cancel(); }
  bool dispatched() const override { return wire_.dispatched(); }

  // Before anything is sent too: who refuses losses asks then.
  std::string lossy() const override {
    if (dispatched() || !asked_ || dialect_.batch(target()) == 0) return listed(lossy_);
    const auto encoded = dialect_.encode(chunk(), target());
    return encoded ? listed(encoded->lossy) : std::string();
  }

 private:
  EmbeddingTarget target() const { return {model_, endpoint_->host}; }

  static void add_usage(std::int64_t tokens, Batch& batch) {
    Event& told = batch.events.emplace_back();
    told.kind = Event::Kind::usage;
    told.usage.input = tokens;
    told.usage.output = tokens < 0 ? -1 : 0;
    batch.events.emplace_back().kind = Event::Kind::done;
  }

  // The inputs that go into the next call: as many as the API takes, and at least one.
  EmbeddingRequest chunk() const {
    EmbeddingRequest out;
    out.dimensions = asked_->dimensions;
    out.input_type = asked_->input_type;
    const std::size_t most = dialect_.batch(target());
    std::size_t bytes = 0;
    for (std::size_t i = done_; i < asked_->inputs.size() && out.inputs.size() < most; ++i) {
      bytes += asked_->inputs[i].size();
      if (!out.inputs.empty() && bytes > kMaxBytesPerCall) break;
      out.inputs.push_back(asked_->inputs[i]);
    }
    return out;
  }

  net::Task<Result<EmbeddingAnswer>> ask() {
    const EmbeddingRequest part = chunk();
    TG_CO_TRY(auto encoded, dialect_.encode(part, target()));
    lossy_ = std::move(encoded.lossy);
    HttpCall call = http_call(std::move(encoded), endpoint_, timeouts_, request_id_);
    TG_CO_CHECK(co_await wire_.send(std::move(call), errors_.decode_error));
    TG_CO_TRY(const std::string body, co_await wire_.whole_body(kMaxBody));
    TG_CO_TRY(auto answer, dialect_.decode(body, wire_.exchange().header("x-amzn-bedrock-input-token-count")));
    if (answer.vectors.size() != part.inputs.size()) co_return upstream_garbage();
    co_return answer;
  }

  const EmbeddingDialect& dialect_;
  const ProviderDialect& errors_;
  std::shared_ptr<const Endpoint> endpoint_;
  ProviderCall wire_;
  std::string model_;
  std::string request_id_;
  Timeouts timeouts_;
  Result<EmbeddingRequest> asked_;
  std::vector<std::string> lossy_;
  std::size_t done_ = 0;  // inputs
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<EventStream> embedding_stream(const EmbeddingDialect& dialect, const ProviderDialect& errors,
                                              const ProviderOptions& options, std::shared_ptr<Authorizer> authorizer,
                                              Transport& transport, const AttemptRequest& request) {
  return std::make_unique<EmbeddingStream>(dialect, errors, options, std::move(authorizer), transport, request);
}

}  // namespace tollgate::providers
