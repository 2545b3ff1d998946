#include "providers/identity/fetcher.h"

#include <utility>

#include "providers/identity/json_fields.h"
#include "providers/identity/token_url.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using std::chrono::milliseconds;

// A token endpoint answers in well under a second or is in trouble; the whole fetch has a limit of its own.
constexpr Timeouts kTimeouts{
    .connect = milliseconds(3'000), .first_byte = milliseconds(5'000), .idle = milliseconds(5'000)};

Error cancelled() { return Error{.kind = ErrorKind::cancelled, .message = "the fetch was ended", .retryable = false}; }

}  // namespace

Fetcher::Fetcher(const IdentityContext& context, TokenRoute route)
    : context_(context), route_(std::move(route)), file_done_(context.io.get_executor()) {}

net::Task<Result<TokenReply>> Fetcher::send(TokenRequest request) {
  if (stopped_) co_return cancelled();
  TG_CO_TRY(HttpCall call, http_call(request));
  const std::string host = call.endpoint->host;
  Transport& transport = call.endpoint->tls && route_.transport != nullptr ? *route_.transport : context_.transport;
  const auto transfer = transport.open(std::move(call));
  exchange_ = transfer.get();
  auto reply = co_await exchange(*transfer, request.header_wanted);
  exchange_ = nullptr;
  if (stopped_) co_return cancelled();
  if (!reply) reply.error().message = host + ": " + reply.error().message;
  co_return reply;
}

Result<HttpCall> Fetcher::http_call(TokenRequest& request) const {
  TG_TRY(TokenUrl url, parse_token_url(request.url));
  auto endpoint = std::make_shared<Endpoint>(std::move(url.endpoint));
  if (endpoint->tls) {
    endpoint->tls_context = route_.tls;
    endpoint->egress = route_.egress;
    if (!endpoint->tls_context) return no_credential("no TLS context for " + endpoint->host);
  }
  endpoint->max_idle = 0;  // once an hour: nothing to keep a connection for
  HttpCall call;
  call.endpoint = std::move(endpoint);
  call.method = std::move(request.method);
  call.path = std::move(url.path);
  call.headers = std::move(request.headers);
  call.headers.push_back({"accept-encoding", "identity"});
  call.headers.push_back({"user-agent", "tollgate/0.1"});
  call.body = std::move(request.body);
  call.timeouts = kTimeouts;
  return call;
}

net::Task<Result<TokenReply>> Fetcher::exchange(HttpExchange& exchange, std::string_view header_wanted) {
  TG_CO_CHECK(co_await exchange.start());
  TokenReply reply;
  reply.status = exchange.status();
  if (!header_wanted.empty()) reply.header = exchange.header(header_wanted);
  std::string body;
  bool more = true;
  while (more) {
    TG_CO_TRY(more, co_await exchange.read_some(body));
    if (body.size() > JsonFields::kMaxBytes) co_return no_credential("the answer is too long");
  }
  reply.body = Secret(std::move(body));
  co_return reply;
}

net::Task<Result<Secret>> Fetcher::read_file(std::string path) {
  if (stopped_) co_return cancelled();
  std::optional<Result<Secret>> content;
  auto done = [this, &content](Result<Secret> read) {
    content.emplace(std::move(read));
    file_done_.notify();
  };
  const auto reading = context_.files.read(std::move(path), context_.io.get_executor(), std::move(done));
  while (!content && !stopped_) co_await file_done_.wait();
  if (stopped_) co_return cancelled();
  co_return *std::move(content);
}

void Fetcher::stop() {
  stopped_ = true;
  if (exchange_ != nullptr) exchange_->cancel();
  file_done_.notify();
}

Error token_refusal(std::string_view who, int status, std::string_view code) {
  std::string message(who);
  message.append(" answered ").append(std::to_string(status));
  if (code.size() <= 64 && is_word(code, "._-")) message.append(" ").append(code);
  const bool retryable = status == 408 || status == 429 || status >= 500;
  return no_credential(std::move(message), retryable);
}

}  // namespace tollgate::providers
