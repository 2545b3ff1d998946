#include "providers/provider_call.h"

#include <charconv>
#include <utility>

#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxErrorBody = 64 * 1024;
constexpr std::size_t kMaxAfterDone = 64 * 1024;
constexpr std::chrono::milliseconds kDrainTime(250);

}  // namespace

Error cancelled() { return Error{ErrorKind::cancelled, "The call was cancelled."}; }

void add_common_headers(HttpCall& call, const ProviderOptions& options, const CallMarks& marks) {
  call.headers.insert(call.headers.end(), options.headers.begin(), options.headers.end());
  call.headers.push_back({"accept-encoding", "identity"});
  call.headers.push_back({"user-agent", "tollgate/0.1"});
  call.headers.push_back({"x-request-id", marks.request_id});
  call.headers.insert(call.headers.end(), marks.pool_headers.begin(), marks.pool_headers.end());
}

HttpCall http_call(DialectCall call, const ProviderOptions& options, const Timeouts& timeouts, const CallMarks& marks) {
  HttpCall out;
  out.endpoint = options.endpoint;
  out.path = std::move(call.path);
  out.headers = std::move(call.headers);
  out.body = std::move(call.body);
  out.timeouts = timeouts;
  add_common_headers(out, options, marks);
  return out;
}

namespace {

// Answers are asked for as they are.
Status uncompressed(const HttpExchange& exchange) {
  const auto coding = exchange.header("content-encoding");
  if (coding.empty() || net::iequals(coding, "identity")) return {};
  return Error{.kind = ErrorKind::upstream_error,
               .message = "The provider compressed its answer although it was asked not to.",
               .code = "upstream_encoding"};
}

// Where providers say how they call a request: Azure's gateway (which passes our own x-request-id on, too), AWS,
// Anthropic, Azure ML, Google, and everybody else. (Azure OpenAI, Bedrock and Anthropic API references.)
constexpr std::string_view kRequestIdHeaders[] = {"apim-request-id",      "x-amzn-requestid", "request-id",
                                                  "x-request-id",         "x-ms-request-id",  "x-goog-request-id",
                                                  "x-cloud-trace-context"};

std::string named_by(const HttpExchange& exchange) {
  for (const std::string_view name : kRequestIdHeaders)
    if (const auto value = exchange.header(name); !value.empty()) return std::string(value);
  return {};
}

}  // namespace

net::Task<Status> ProviderCall::send(HttpCall call, Error (*decode)(const ErrorAnswer& answer)) {
  if (cancelled_) co_return cancelled();
  dispatched_ = dispatched();
  answered_ = false;
  exchange_ = nullptr;
  call_ = std::move(call);
  TG_CO_CHECK(co_await authorizer_->authorize(call_));
  if (cancelled_) co_return cancelled();
  exchange_ = transport_.open(std::move(call_));
  TG_CO_CHECK(co_await exchange_->start());
  answered_ = true;
  provider_request_id_ = named_by(*exchange_);
  const int status = exchange_->status();
  if (status >= 200 && status <= 299) co_return uncompressed(*exchange_);
  Error refused = co_await refusal(decode);
  if (cancelled_) co_return cancelled();
  if (refused.code == "upstream_auth_error") authorizer_->refused();
  co_return refused;
}

void ProviderCall::cancel() {
  cancelled_ = true;
  if (exchange_)
    exchange_->cancel();
  else
    authorizer_->cancel(call_);
}

namespace {

// Azure ML answers 424 for whatever its container answered, and says in a header what that was.
int real_status(const HttpExchange& exchange) {
  int status = exchange.status();
  const std::string_view told = exchange.header("ms-azureml-model-error-statuscode");
  if (status == 424 && told.size() == 3 && told >= "400" && told <= "599")
    std::from_chars(told.data(), told.data() + told.size(), status);
  return status;
}

}  // namespace

// The status is known: a body that is cut or too long only costs its words.
net::Task<Error> ProviderCall::refusal(Error (*decode)(const ErrorAnswer& answer)) {
  std::string body;
  while (body.size() < kMaxErrorBody) {
    const Result<bool> more = co_await exchange_->read_some(body);
    if (!more || !*more) break;
  }
  if (body.size() > kMaxErrorBody) body.clear();
  ErrorAnswer answer;
  answer.status = real_status(*exchange_);
  answer.body = body;
  answer.retry_after_ms = exchange_->header("retry-after-ms");
  answer.retry_after = exchange_->header("retry-after");
  answer.date = exchange_->header("date");
  answer.aws_error_type = exchange_->header("x-amzn-errortype");
  Error error = decode(answer);
  error.upstream_status = answer.status;
  co_return error;
}

net::Task<Result<std::string>> ProviderCall::whole_body(std::size_t max) {
  std::string body;
  bool more = true;
  while (more) {
    TG_CO_TRY(more, co_await exchange_->read_some(body));
    if (body.size() > max) co_return upstream_too_long();
  }
  co_return body;
}

net::Task<void> ProviderCall::drain() {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  net::Timer patience(executor, kDrainTime);
  patience.async_wait([weak = std::weak_ptr(exchange_)](const boost::system::error_code& error) {
    const auto open = weak.lock();
    if (!error && open) open->cancel();
  });
  std::string rest;
  while (rest.size() < kMaxAfterDone) {
    const Result<bool> more = co_await exchange_->read_some(rest);
    if (!more || !*more) co_return;
  }
}

}  // namespace tollgate::providers
