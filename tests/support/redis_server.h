#pragma once
// A redis-server of the test's own: empty, on a free loopback port, without persistence, gone afterwards.
#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace tollgate::test_support {

class RedisServer {
 public:
  static bool installed() { return std::system("command -v redis-server > /dev/null 2>&1") == 0; }

  explicit RedisServer(std::string password = {}) : password_(std::move(password)) {
    for (int attempt = 0; attempt < 5; ++attempt) {
      port_ = free_port();
      if (start()) return;
    }
    throw std::runtime_error("redis-server does not start; its output was in " + directory_.path().string());
  }

  std::uint16_t port() const { return port_; }
  void pause() const { process_.signal(SIGSTOP); }  // connections stay open, nothing answers
  void resume() const { process_.signal(SIGCONT); }
  void kill() { process_.stop(SIGKILL); }
  // On the same port, empty. REQUIRES: killed before.
  bool start() {
    std::vector<std::string> arguments = {
        "redis-server", "--port", std::to_string(port_),      "--bind",      "127.0.0.1", "--save", "", "--appendonly",
        "no",           "--dir",  directory_.path().string(), "--daemonize", "no"};
    if (!password_.empty()) arguments.insert(arguments.end(), {"--requirepass", password_});
    process_ = ChildProcess(arguments, directory_.path() / "redis.log");
    return eventually([this] { return !process_.running() || accepts_connections(port_); }) && process_.running();
  }

 private:
  TemporaryDirectory directory_;
  std::string password_;
  std::uint16_t port_ = 0;
  ChildProcess process_;
};

}  // namespace tollgate::test_support
