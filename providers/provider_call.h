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

// What every call to a provider says of itself. Each is ours: nothing of the client's own headers crosses.
struct CallMarks {
  std::string request_id;
  std::vector<net::Header> pool_headers;  // AttemptRequest's
};
inline CallMarks marks_of(const AttemptRequest& request) { return {request.request_id, request.pool_headers}; }

void add_common_headers(HttpCall& call, const ProviderOptions& options, const CallMarks& marks);

// A dialect's call, addressed.
HttpCall http_call(DialectCall call, const ProviderOptions& options, const Timeouts& timeouts, const CallMarks& marks);

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

  // Of the last answer; nothing before there is one.
  PoolReport pool_report() const { return answered_ ? read_pool_report(*exchange_) : PoolReport{}; }

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
  bool answered_ = false;  // exchange_ has a head
  bool dispatched_ = false;
  bool cancelled_ = false;
};

}  // namespace tollgate::providers
