#include "gateway/pipeline/routes.h"

#include <array>

#include "gateway/net/percent.h"
#include "gateway/pipeline/chat.h"

namespace tollgate::pipeline {

using net::Task;

namespace {

using Serve = Task<void> (*)(const Services&, std::shared_ptr<const View>, server::Exchange&, std::string rest);

Task<void> chat(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange, std::string) {
  return serve_chat(services, std::move(view), exchange);
}

struct Route {
  std::string_view method;
  std::string_view path;
  bool takes_rest;  // what follows `path` is handed on, percent-decoded: model names may hold '/' and ':'
  Serve serve;
};

constexpr std::array kRoutes = {
    Route{"POST", "/v1/chat/completions", false, chat},
    Route{"GET", "/v1/models", false, serve_models},
    Route{"GET", "/v1/models/", true, serve_models},
};

bool matches(const Route& route, std::string_view path) {
  return route.takes_rest ? path.size() > route.path.size() && path.starts_with(route.path) : path == route.path;
}

}  // namespace

Task<void> route(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange) {
  const std::string_view path = exchange.head().path();
  std::string allowed;
  for (const auto& candidate : kRoutes) {
    if (!matches(candidate, path)) continue;
    if (candidate.method == exchange.head().method) {
      std::string rest;
      // A head with an escape that cannot be decoded was refused by net::guard().
      if (candidate.takes_rest) rest = net::percent_decode(path.substr(candidate.path.size())).value();
      co_await candidate.serve(services, std::move(view), exchange, std::move(rest));
      co_return;
    }
    allowed = candidate.method;
  }
  Error error{.kind = allowed.empty() ? ErrorKind::not_found : ErrorKind::method_not_allowed,
              .message = allowed.empty() ? "Unknown request URL: " + exchange.head().method + " " + std::string(path) +
                                               ". This gateway serves /v1/chat/completions and /v1/models."
                                         : "Not allowed to " + exchange.head().method + " on " + std::string(path) +
                                               ". Use " + allowed + ".",
              .code = allowed.empty() ? "unknown_url" : "method_not_supported",
              .retryable = false};
  server::HeaderLines headers;
  if (!allowed.empty()) headers.add("allow", allowed);
  co_await answer_error(exchange, std::move(error), std::move(headers));
}

}  // namespace tollgate::pipeline
