#include "gateway/process/ops.h"

#include "gateway/pipeline/call.h"

namespace tollgate::process {

using net::Task;

namespace {

Task<void> text(server::Exchange& exchange, int status, std::string body) {
  server::HeaderLines headers;
  headers.add("content-type", "text/plain; version=0.0.4; charset=utf-8");
  (void)co_await exchange.respond(status, std::move(headers), body);
}

Task<void> refuse(server::Exchange& exchange, ErrorKind kind, std::string message) {
  Error error{.kind = kind, .message = std::move(message), .retryable = false};
  co_await pipeline::answer_error(exchange, providers::Api::chat, std::move(error));
}

}  // namespace

Task<void> serve_ops(server::Exchange& exchange, const OpsFacts& facts, observe::Metrics& metrics) {
  const auto path = exchange.head().path();
  const auto& method = exchange.head().method;
  if (method != "GET" && method != "HEAD") {
    co_await refuse(exchange, ErrorKind::method_not_allowed, "The ops port answers GET only.");
  } else if (path == "/healthz") {
    co_await text(exchange, 200, "ok\n");
  } else if (path == "/readyz") {
    const bool ready = facts.ready.load() && !facts.draining.load();
    const std::string body = ready ? "ready\n" : facts.draining.load() ? "draining\n" : "starting\n";
    const int status = ready ? 200 : 503;
    co_await text(exchange, status, body);
  } else if (path == "/metrics") {
    co_await text(exchange, 200, metrics.scrape());
  } else {
    co_await refuse(exchange, ErrorKind::not_found, "The ops port serves /healthz, /readyz and /metrics.");
  }
}

}  // namespace tollgate::process
