#pragma once
// One downstream connection: HTTP/1.1 with keep-alive and pipelining over a Stream.
#include <atomic>
#include <functional>
#include <memory>
#include <unordered_set>

#include "config/snapshot.h"
#include "gateway/net/deadline.h"
#include "gateway/net/signal.h"
#include "gateway/net/stream.h"
#include "gateway/server/exchange.h"

namespace tollgate::server {

class Connection;

// One of the places for connections: taken when a socket is accepted, so that those whose handshake is still under way
// count, and left when it is closed. Any thread. The counter outlives it; an empty seat counts nothing.
struct LeaveSeat {
  void operator()(std::atomic<std::int64_t>* taken) const { taken->fetch_sub(1, std::memory_order_relaxed); }
};
using Seat = std::unique_ptr<std::atomic<std::int64_t>, LeaveSeat>;
inline Seat take_seat(std::atomic<std::int64_t>& taken) {
  taken.fetch_add(1, std::memory_order_relaxed);
  return Seat(&taken);
}

// What every connection of one loop shares. Owned by the worker; outlives its connections.
struct ConnectionContext {
  net::asio::io_context& io;
  net::Sweep& sweep;
  const Clock& clock;
  UuidSource& ids;
  // Answers one request. Must not throw for what a request can cause; what it throws costs this connection only.
  std::function<net::Task<void>(Exchange&)> handler;
  // Answers, likewise, one that was refused before the handler could see it (malformed, too large, too slow). Its head
  // is what net::refused_head() could read.
  std::function<net::Task<void>(Exchange&, Error)> refused;
  std::function<void(std::string_view what)> crashed;  // an exception ended a connection: a bug to log
  // Bodies held at once, all workers together, and its bound.
  std::atomic<std::uint64_t>* bytes_in_flight = nullptr;
  std::uint64_t max_bytes_in_flight = 0;
  net::HttpLimits limits = {};
  config::Timeouts timeouts = {};

  std::atomic<std::int64_t>* connections = nullptr;  // served ones, all workers together
  std::unordered_set<Connection*> open = {};         // of this loop, for drain
  bool draining = false;
};

// Serves until the client or a deadline ends it. Keeps itself alive.
void serve(ConnectionContext& context, std::unique_ptr<net::Stream> stream, Seat seat);

// No new request is read on any connection; idle ones close now.
void drain(ConnectionContext& context);
// Cuts what is still open.
void cut(ConnectionContext& context);

}  // namespace tollgate::server
