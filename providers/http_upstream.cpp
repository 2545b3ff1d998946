// A provider over HTTP: its own API where the caller speaks it, else a translation.
#include <utility>

#include "providers/dialect_upstream.h"
#include "providers/embedding_upstream.h"
#include "providers/native_upstream.h"

namespace tollgate::providers {
namespace {

// What cannot be sent at all.
class Refused final : public EventStream {
 public:
  explicit Refused(Error error) : error_(std::move(error)) {}
  net::Task<Result<std::optional<Batch>>> next() override { co_return error_; }
  void cancel() override {}
  bool dispatched() const override { return false; }

 private:
  Error error_;
};

Error not_spoken() {
  return invalid_value("model",
                       "This model cannot be called by this API: its provider has nothing like it. GET /v1/models "
                       "lists what you may use.",
                       "unsupported_api");
}

class HttpUpstream final : public Upstream {
 public:
  HttpUpstream(ProviderOptions options, std::shared_ptr<Authorizer> authorizer, Transport& transport)
      : options_(std::move(options)),
        dialect_(dialect_of(options_.kind, options_.endpoint->base_path)),
        authorizer_(std::move(authorizer)),
        transport_(transport) {}

  std::unique_ptr<EventStream> start(AttemptRequest request) override {
    if (const NativeApi* api = native_api(options_, request.call->api))
      return native_stream(*api, options_, authorizer_, transport_, std::move(request));
    const FrontEnd& front = front_end(request.call->api);
    if (front.embeds != nullptr && embeddings_of(options_) != nullptr)
      return embedding_stream(*dialect_, options_, authorizer_, transport_, request);
    const bool translated = dialect_ != nullptr && front.canonicalise != nullptr;
    if (!translated) return std::make_unique<Refused>(not_spoken());
    return dialect_stream(*dialect_, options_, authorizer_, transport_, request);
  }

  bool speaks(Api api) const override { return native_api(options_, api) != nullptr; }

 private:
  ProviderOptions options_;
  const ProviderDialect* dialect_;
  std::shared_ptr<Authorizer> authorizer_;
  Transport& transport_;
};

}  // namespace

std::unique_ptr<Upstream> http_upstream(ProviderOptions options, std::shared_ptr<Authorizer> authorizer,
                                        Transport& transport) {
  return std::make_unique<HttpUpstream>(std::move(options), std::move(authorizer), transport);
}

}  // namespace tollgate::providers
