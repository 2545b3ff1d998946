#pragma once
// Idle keep-alive connections of one loop, by endpoint.
#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/net/deadline.h"
#include "gateway/net/stream.h"
#include "providers/transport.h"

namespace tollgate::providers {

// A connection and the buffer it reads into, which lives as long so that no call has to allocate one.
struct Connection {
  explicit Connection(std::unique_ptr<net::Stream> connected) : stream(std::move(connected)) {}
  static constexpr std::size_t kReadBuffer = 16 * 1024;
  std::unique_ptr<net::Stream> stream;
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kReadBuffer);
};

// Last in, first out: the warmest connection serves, the surplus goes cold and is closed after `idle_limit`.
// Not thread-safe.
class ConnectionPool {
 public:
  ConnectionPool(net::Sweep& sweep, std::chrono::milliseconds idle_limit);

  // A connection that still looks alive, or null.
  std::shared_ptr<Connection> take(const Endpoint& endpoint);
  // Keeps it, or closes it when the endpoint has `max_idle` already.
  void give(std::shared_ptr<const Endpoint> endpoint, std::shared_ptr<Connection> connection);

 private:
  struct Idle {
    std::shared_ptr<Connection> connection;
    SteadyTime since;
  };
  // Holding the endpoint keeps its address from being given to another one while connections of the old are here.
  struct Shelf {
    std::shared_ptr<const Endpoint> endpoint;
    std::vector<Idle> idle;  // oldest first
  };
  void evict();
  void arm();

  net::Sweep& sweep_;
  std::chrono::milliseconds idle_limit_;
  std::unordered_map<const Endpoint*, Shelf> shelves_;
  bool armed_ = false;
  net::Deadline next_eviction_;
};

}  // namespace tollgate::providers
