#pragma once
// Internal: what both kinds of stream say when a connection ends badly.
#include <boost/system/error_code.hpp>
#include <string>

#include "gateway/base/error.h"
#include "gateway/net/task.h"

namespace tollgate::net {

inline Error cancelled_error() { return {ErrorKind::cancelled, "the connection was given up"}; }

inline Error network_error(const boost::system::error_code& error) {
  // Asio cancels single operations when their coroutine is cancelled.
  if (error == asio::error::operation_aborted) return cancelled_error();
  return {ErrorKind::upstream_error, "the connection broke: " + error.message()};
}

inline std::string numeric_peer(const Socket& socket) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return "unknown";
  return peer.address().to_string();
}

}  // namespace tollgate::net
