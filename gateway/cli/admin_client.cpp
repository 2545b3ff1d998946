#include "gateway/cli/admin_client.h"

#include <boost/asio/co_spawn.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "providers/hot_transport.h"

namespace tollgate::cli {
namespace {

Error failed(std::string message) {
  return {.kind = ErrorKind::upstream_error, .message = std::move(message), .retryable = false};
}

Result<Secret> admin_token(const config::Snapshot& snapshot) {
  const auto file = snapshot.state_directory / "admin.token";
  std::ifstream in(file);
  std::string token;
  if (!std::getline(in, token))
    return failed("cannot read " + file.string() + ": is a gateway running there, and may you read its files?");
  return Secret(std::move(token));
}

providers::HttpCall call_of(const config::Snapshot& snapshot, const std::string& path, const std::string& body,
                            const Secret& token) {
  providers::Endpoint endpoint;
  endpoint.host = snapshot.admin.address;
  endpoint.port = snapshot.admin.port;
  endpoint.tls = false;
  providers::HttpCall call;
  call.endpoint = std::make_shared<const providers::Endpoint>(std::move(endpoint));
  call.method = body.empty() ? "GET" : "POST";
  call.path = path;
  call.headers = {{"authorization", "Bearer " + std::string(token.reveal())}, {"content-type", "application/json"}};
  call.body = body;
  call.timeouts.first_byte = std::chrono::seconds(30);
  return call;
}

struct Answer {
  int status = 0;
  std::string body;
};

net::Task<Status> receive(providers::HttpExchange& call, Answer& answer) {
  TG_CO_CHECK(co_await call.start());
  answer.status = call.status();
  while (true) {
    TG_CO_TRY(const bool more, co_await call.read_some(answer.body));
    if (!more) co_return Status();
  }
}

net::Task<void> exchange(std::unique_ptr<providers::HttpExchange> call, Result<Answer>& out) {
  Answer answer;
  const Status received = co_await receive(*call, answer);
  if (received)
    out = std::move(answer);
  else
    out = received.error();
}

// Until it is answered, on a loop of its own.
Result<Answer> run(providers::HttpCall call) {
  NullLog silent;
  net::Resolver resolver(silent);
  net::asio::io_context io(1);
  net::Sweep sweep(io);
  const auto transport = providers::hot_transport(io, sweep, resolver);
  Result<Answer> out = Answer{};
  auto asking = exchange(transport->open(std::move(call)), out);
  net::asio::co_spawn(io, std::move(asking), [&](const std::exception_ptr& bug) {
    if (bug) out = failed("it could not be asked");
    sweep.stop();
    io.stop();
  });
  io.run();
  return out;
}

std::string said_by(const Answer& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  if (json.is_object() && json.contains("error")) return json["error"].value("message", "");
  return "the gateway answered " + std::to_string(answer.status);
}

}  // namespace

Result<std::string> ask_gateway(const config::Snapshot& snapshot, const std::string& path, const std::string& body) {
  TG_TRY(const auto token, admin_token(snapshot));
  const auto answer = run(call_of(snapshot, path, body, token));
  if (!answer)
    return failed("no gateway answers at " + snapshot.admin.address + ":" + std::to_string(snapshot.admin.port) +
                  " (`admin` in the configuration): is it running?");
  if (answer->status != 200) return failed(said_by(*answer));
  return answer->body;
}

}  // namespace tollgate::cli
