#pragma once
// The transport of the hot path: HTTP/1.1 over kept connections of our own, plain or TLS, directly or through a CONNECT
// proxy. An exchange costs one write and, for a short answer, one read.
#include <chrono>
#include <memory>

#include "gateway/net/deadline.h"
#include "gateway/net/resolver.h"
#include "providers/transport.h"

namespace tollgate::providers {

struct HotOptions {
  std::chrono::milliseconds idle_limit{60'000};  // an unused connection is closed after this
};

// One per loop; all three outlive it, and it outlives its exchanges. An exchange may be destroyed at any time except
// while a start() or read_some() of its own is pending: cancel(), await the result, then destroy.
// Deadlines are those of the sweep: late by one of its periods at most.
// A POST is sent a second time in one case only: the connection had been used before and broke before one byte of an
// answer, which is what a provider closing an idle connection looks like.
std::unique_ptr<Transport> hot_transport(net::asio::io_context& io, net::Sweep& sweep, net::Resolver& resolver,
                                         HotOptions options = {});

}  // namespace tollgate::providers
