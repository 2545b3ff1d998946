#pragma once
// What every kind of upstream does with one HTTP call: prove who sends it, send it, tell an answer from a refusal.
// Internal to providers/.
#include <memory>
#include <string>

#include "providers/authorizer.h"
#include "providers/dialect.h"
#include "providers/transport.h"
#include "providers/upstream.h"

namespace tollgate::providers {

Error cancelled();

// Allow-list: nothing of the client's own headers crosses.
void add_common_headers(HttpCall& call, const ProviderOptions& options, const std::string& request_id);

// A dialect's call, addressed.
HttpCall http_call(DialectCall call, const ProviderOptions& options, const Timeouts& timeouts,
                   const std::string& request_id);

// One call at a time; another may follow. Not thread-safe. `transport` must outlive it.
class ProviderCall {
 public:
  ProviderCall(std::shared_ptr<Authorizer> authorizer, Transport& transport)
      : authorizer_(std::move(authorizer)), transport_(transport) {}

  // ok: the provider answers, and exchange() has its body. Errors: what `decode` makes of a refusal, those of the
  // authorizer and the transport, cancelled.
  net::Task<Status> send(HttpCall call, Error (*decode)(const ErrorAnswer& answer));
  // A pending send() or read of the body ends with ErrorKind::cancelled. Idempotent.
  void cancel();
  bool is_cancelled() const { return cancelled_; }
  // The provider may have started work on this call or on one before it.
  bool dispatched() const { return dispatched_ || (exchange_ && exchange_->dispatched()); }

  // Of the last answer, refusals included.
  const std::string& provider_request_id() const { return provider_request_id_; }

  HttpExchange& exchange() { return *exchange_; }  // REQUIRES: send() was ok
  // Error: the body is longer than `max` bytes, or was cut.
  net::Task<Result<std::string>> whole_body(std::size_t max);
  // Reads what follows the end marker, normally nothing, so that the connection can be used again. A provider that
  // keeps the body open must not keep the call open: it loses the connection.
  net::Task<void> drain();

 private:
  net::Task<Error> refusal(Error (*decode)(const ErrorAnswer& answer));

  std::shared_ptr<Authorizer> authorizer_;
  Transport& transport_;
  HttpCall call_;                           // until it is handed to the transport
  std::shared_ptr<HttpExchange> exchange_;  // shared with drain()'s timer only
  std::string provider_request_id_;
  bool dispatched_ = false;
  bool cancelled_ = false;
};

}  // namespace tollgate::providers
