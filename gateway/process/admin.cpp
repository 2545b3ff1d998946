#include "gateway/process/admin.h"

#include <sodium.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "gateway/pipeline/call.h"

namespace tollgate::process {

using net::Task;

namespace {

constexpr std::string_view kModels = "/models/";

Error refusal(ErrorKind kind, std::string message) {
  return {.kind = kind, .message = std::move(message), .retryable = false};
}

Error unknown_path() {
  return refusal(ErrorKind::not_found,
                 "The admin port serves GET /status, GET /models and POST /models/<provider>/load, /swap, /rollback.");
}

bool allowed(const server::Exchange& exchange, const Secret& token) {
  constexpr std::string_view kBearer = "Bearer ";
  const auto presented = exchange.head().header("authorization");
  if (!presented.starts_with(kBearer)) return false;
  const auto given = presented.substr(kBearer.size());
  const auto wanted = token.reveal();
  return given.size() == wanted.size() && sodium_memcmp(given.data(), wanted.data(), given.size()) == 0;
}

Result<std::string> directory_in(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object() && json.contains("directory") && json["directory"].is_string()) {
    auto directory = json["directory"].get<std::string>();
    if (std::filesystem::path(directory).is_absolute()) return directory;
  }
  return refusal(ErrorKind::invalid_request, "The body is {\"directory\": \"...\"} with an absolute path.");
}

// `rest` is what follows /models/: <provider>/<command>.
Result<std::string> run_command(std::string_view rest, const std::string& body, const AdminCommands& commands) {
  const auto slash = rest.rfind('/');
  if (slash == std::string_view::npos) return unknown_path();
  const std::string provider(rest.substr(0, slash));
  const auto command = rest.substr(slash + 1);
  if (command == "load") {
    TG_TRY(const auto directory, directory_in(body));
    TG_CHECK(commands.load(provider, directory));
  } else if (command == "swap") {
    TG_CHECK(commands.swap(provider));
  } else if (command == "rollback") {
    TG_CHECK(commands.rollback(provider));
  } else {
    return unknown_path();
  }
  return commands.models();
}

Task<Result<std::string>> answer(server::Exchange& exchange, const AdminCommands& commands) {
  const auto path = exchange.head().path();
  const auto& method = exchange.head().method;
  if (method == "GET" && path == "/status") co_return commands.status();
  if (method == "GET" && path == "/models") co_return commands.models();
  if (method != "POST" || !path.starts_with(kModels)) co_return unknown_path();
  auto body = co_await exchange.read_body();
  if (!body) co_return body.error();
  co_return run_command(path.substr(kModels.size()), *body, commands);
}

}  // namespace

Task<void> serve_admin(server::Exchange& exchange, const Secret& token, const AdminCommands& commands) {
  Result<std::string> said =
      refusal(ErrorKind::unauthenticated,
              "The admin port wants Authorization: Bearer with the token in state_directory/admin.token.");
  if (allowed(exchange, token)) said = co_await answer(exchange, commands);
  if (!said) {
    Error error = said.error();
    co_await pipeline::answer_error(exchange, providers::Api::chat, std::move(error));
    co_return;
  }
  server::HeaderLines headers;
  headers.add("content-type", "application/json");
  (void)co_await exchange.respond(200, std::move(headers), *said);
}

}  // namespace tollgate::process
