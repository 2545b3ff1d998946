#pragma once
// A cloud that answers from a script, and a loop with an IdentityService on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/net/signal.h"
#include "gateway/net/tls.h"
#include "providers/identity/identity.h"

namespace tollgate::providers::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What the cloud says to one request.
struct Reply {
  int status = 200;
  std::string body = {};
  std::map<std::string, std::string> headers = {};
  bool broken = false;  // no answer at all
};

inline std::string url_of(const HttpCall& call) {
  return (call.endpoint->tls ? "https://" : "http://") + call.endpoint->authority() + call.endpoint->base_path +
         call.path;
}

inline std::string header_of(const HttpCall& call, std::string_view name) {
  for (const auto& header : call.headers)
    if (net::iequals(header.name, name)) return header.value;
  return {};
}

class FakeCloud final : public Transport {
 public:
  explicit FakeCloud(net::asio::io_context& io) : io_(io) {}

  std::unique_ptr<HttpExchange> open(HttpCall call) override {
    calls.push_back(std::move(call));
    return std::make_unique<Exchange>(*this, answer(calls.back()));
  }
  // Requests wait until release().
  void hold() { held_ = true; }
  void release() {
    held_ = false;
    for (Exchange* const exchange : waiting_) exchange->go.notify();
  }

  std::function<Reply(const HttpCall&)> answer = [](const HttpCall&) { return Reply{}; };
  std::vector<HttpCall> calls;
  int cancelled = 0;
  int open_now = 0;

 private:
  struct Exchange final : HttpExchange {
    Exchange(FakeCloud& of, Reply what) : cloud(of), reply(std::move(what)), go(of.io_.get_executor()) {
      cloud.waiting_.insert(this);
      ++cloud.open_now;
    }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange() override {
      cloud.waiting_.erase(this);
      --cloud.open_now;
    }
    net::Task<Status> start() override {
      while (cloud.held_ && !stopped) co_await go.wait();
      if (stopped) co_return Error{.kind = ErrorKind::cancelled, .message = "cancelled"};
      if (reply.broken) co_return Error{.kind = ErrorKind::upstream_error, .message = "no connection"};
      co_return Status();
    }
    int status() const override { return reply.status; }
    std::string_view header(std::string_view name) const override {
      const auto found = reply.headers.find(std::string(name));
      return found == reply.headers.end() ? std::string_view() : found->second;
    }
    net::Task<Result<bool>> read_some(std::string& out) override {
      out += std::exchange(reply.body, "");
      co_return !std::exchange(read, true);
    }
    void cancel() override {
      stopped = true;
      ++cloud.cancelled;
      go.notify();
    }
    bool dispatched() const override { return true; }

    FakeCloud& cloud;
    Reply reply;
    net::Signal go;
    bool stopped = false;
    bool read = false;
  };

  net::asio::io_context& io_;
  bool held_ = false;
  std::set<Exchange*> waiting_;
};

// Remembers what was said, fields and all, as one line each.
class KeptLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields) override {
    std::string line = std::string(event) + ": " + std::string(message);
    for (const auto& field : fields) {
      line += " " + std::string(field.name) + "=";
      if (const auto* text = std::get_if<std::string_view>(&field.value)) line += *text;
      if (const auto* number = std::get_if<std::int64_t>(&field.value)) line += std::to_string(*number);
    }
    lines.push_back(std::move(line));
  }
  bool mentions(std::string_view what) const {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(what) != std::string::npos; });
  }
  std::vector<std::string> lines;
};

class Cloud : public ::testing::Test {
 protected:
  ~Cloud() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Authorizer> authorizer(IdentityOptions options) {
    static const auto trust = net::client_tls(net::ClientTlsOptions{});
    EXPECT_TRUE(trust);
    TokenRoute route;
    route.tls = *trust;
    auto made = service->authorizer("cloud-eu", std::make_shared<const IdentityOptions>(std::move(options)), route);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *std::move(made) : nullptr;
  }

  static HttpCall request(std::string path = "/v1/x") {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->host = "model.example";
    HttpCall call;
    call.endpoint = std::move(endpoint);
    call.path = std::move(path);
    call.headers = {{"content-type", "application/json"}};
    call.body = "{}";
    return call;
  }

  // A call that is being authorized. Not to be moved while it is.
  struct Pending {
    explicit Pending(HttpCall what) : call(std::move(what)) {}
    HttpCall call;
    std::optional<Status> status;
  };

  std::unique_ptr<Pending> begin(Authorizer& by, HttpCall call = request()) {
    auto pending = std::make_unique<Pending>(std::move(call));
    auto task = keep(by, *pending);
    net::asio::co_spawn(io.get_executor(), std::move(task), net::asio::detached);
    turn();
    return pending;
  }

  // Runs what can run without time passing.
  void turn() {
    io.restart();
    while (io.poll() > 0) {
    }
  }
  void run_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + seconds(10);
    io.restart();
    while (!done() && std::chrono::steady_clock::now() < limit) {
      io.run_one_for(milliseconds(5));
      io.restart();
    }
    EXPECT_TRUE(done()) << "nothing happened for 10 s";
  }

  // Authorizes one call and gives it back; `error` tells when that failed.
  HttpCall authorized(Authorizer& by, HttpCall call = request()) {
    const auto pending = begin(by, std::move(call));
    run_until([&] { return pending->status.has_value(); });
    error = *pending->status ? std::optional<Error>() : pending->status->error();
    return pending->call;
  }

  void close() {
    if (!service) return;
    bool closed = false;
    auto task = close_all(closed);
    net::asio::co_spawn(io.get_executor(), std::move(task), net::asio::detached);
    run_until([&] { return closed; });
    turn();
    EXPECT_EQ(cloud.open_now, 0) << "a fetch outlived the service";
    service.reset();
  }

  std::string file(const std::string& name, const std::string& content) {
    std::filesystem::create_directories(folder_);
    const auto path = folder_ / name;
    std::ofstream(path) << content;
    return path.string();
  }

  net::asio::io_context io{1};
  FakeCloud cloud{io};
  CredentialFiles files;
  ManualClock clock{SystemTime(seconds(1'735'787'045))};  // 2025-01-02T03:04:05Z
  KeptLog log;
  std::map<std::string, std::string> environment;
  std::optional<Error> error;
  std::unique_ptr<IdentityService> service = std::make_unique<IdentityService>(
      IdentityContext{.io = io,
                      .transport = cloud,
                      .files = files,
                      .clock = clock,
                      .log = log,
                      .environment = [this](const std::string& name) {
                        const auto found = environment.find(name);
                        return found == environment.end() ? std::nullopt : std::optional<std::string>(found->second);
                      }});

 private:
  static net::Task<void> keep(Authorizer& by, Pending& pending) {
    auto status = co_await by.authorize(pending.call);
    pending.status.emplace(std::move(status));
  }
  net::Task<void> close_all(bool& closed) {
    co_await service->close();
    closed = true;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("tollgate-identity-" + std::to_string(::getpid()));
};

}  // namespace tollgate::providers::testing
