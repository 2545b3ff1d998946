#include "gateway/pipeline/local_events.h"

#include <boost/asio/post.hpp>

namespace tollgate::pipeline {

using local_backend::FailureKind;
using local_backend::GenerateEvent;

std::function<void(GenerateEvent)> into(std::shared_ptr<Mailbox> mailbox, net::Executor executor,
                                        std::size_t generation) {
  return [mailbox = std::move(mailbox), executor = std::move(executor), generation](GenerateEvent event) {
    net::asio::post(executor, [mailbox, generation, event = std::move(event)]() mutable {
      mailbox->events.emplace_back(generation, std::move(event));
      mailbox->arrived.notify();
    });
  };
}

Error to_error(const GenerateEvent& event) {
  Error error{.kind = ErrorKind::upstream_error, .message = event.message, .code = event.code, .param = event.param};
  switch (event.failure) {
    case FailureKind::invalid_request:
      error.kind = ErrorKind::invalid_request;
      error.retryable = false;
      break;
    case FailureKind::overloaded:
      error.kind = ErrorKind::overloaded;
      if (event.retry_after_ms >= 0) error.retry_after = std::chrono::milliseconds(event.retry_after_ms);
      break;
    case FailureKind::cancelled:
      error.kind = ErrorKind::cancelled;
      break;
    case FailureKind::internal:
      break;
  }
  return error;
}

Error model_gone() { return Error{ErrorKind::upstream_error, "This model is not here any more."}; }

}  // namespace tollgate::pipeline
