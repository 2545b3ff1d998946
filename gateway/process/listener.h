#pragma once
// Accepts connections on the main loop and hands them on: one acceptor deals them round-robin, because SDK clients hold
// few, long connections and the kernel spreads those badly.
#include <functional>
#include <string>

#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "gateway/net/task.h"

namespace tollgate::process {

class Listener {
 public:
  // `next_loop` names the loop the next socket shall live on; `deal` gets it (on the accepting loop). `may_accept` is
  // asked before each accept: while it says no (connection limit), new clients wait in the kernel's queue.
  struct Hooks {
    std::function<net::asio::io_context&()> next_loop;
    std::function<void(net::Socket)> deal;
    std::function<bool()> may_accept;
  };
  // Binds at once; errors say address, port and cause.
  static Result<std::unique_ptr<Listener>> open(net::asio::io_context& io, const std::string& address,
                                                std::uint16_t port, Hooks hooks, Log& log);
  virtual ~Listener() = default;
  virtual std::uint16_t port() const = 0;
  virtual void close() = 0;  // on the accepting loop
};

}  // namespace tollgate::process
