#pragma once
// Names of configured hosts, kept fresh off the path. A call never waits for DNS that has once answered.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "gateway/net/task.h"

namespace tollgate::net {

// Shared by all workers; thread-safe. Four threads of its own look names up (getaddrinfo blocks, and a name whose
// server is silent must not hold up the others), refresh every `refresh` what has been asked for in the last hour, and
// keep stale answers when a refresh fails. A name that many wait for is looked up once. Must outlive the coroutines
// that wait in resolve().
class Resolver {
 public:
  // What a name stands for, in order of preference. Called on the resolver's threads, and may block.
  using Lookup = std::function<Result<std::vector<asio::ip::address>>(const std::string& host)>;

  // `lookup` replaces getaddrinfo, for tests.
  explicit Resolver(Log& log, std::chrono::milliseconds refresh = std::chrono::seconds(30), Lookup lookup = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Starts resolving in the background, so that the first call finds an answer.
  void prefetch(const std::string& host, std::uint16_t port);
  // Numeric addresses answer at once. Otherwise the cached list, or a wait of at most `limit` for the first answer;
  // then upstream_timeout, or upstream_error when the name does not resolve. Awaited on the caller's own loop.
  Task<Result<std::vector<Tcp::endpoint>>> resolve(std::string host, std::uint16_t port,
                                                   std::chrono::milliseconds limit);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the threads, which may be inside getaddrinfo when the Resolver goes
};

}  // namespace tollgate::net
