#pragma once
// A server for tests that does what it is told, wire byte by wire byte: one Script per accepted connection.
// It lives on the loop of the test, so nothing races and a step happens when the other side has made it possible.
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/signal.h"
#include "gateway/net/stream.h"
#include "gateway/net/task.h"
#include "gateway/net/tls.h"

namespace tollgate::testing {

// The life of one connection. When the steps are over the connection is closed properly.
class Script {
 public:
  Script& request();                      // reads one whole request (Content-Length) and records it
  Script& head();                         // reads up to the blank line and records that; the body stays unread
  Script& send(std::string bytes);        // one write
  Script& flood(std::size_t bytes);       // that many body bytes in 16 KiB writes, counted in flooded()
  Script& gate();                         // waits for ScriptedServer::open_gate()
  Script& until_closed();                 // silent until the peer closes, counted in peer_closes()
  Script& reset();                        // RST
  Script& cut();                          // closes the socket without a TLS goodbye
  Script& tunnel_to(std::uint16_t port);  // a CONNECT proxy: relays to 127.0.0.1:port until either side ends

  struct Step {
    enum class Kind { request, head, send, flood, gate, until_closed, reset, cut, tunnel } kind;
    std::string bytes;
    std::size_t number = 0;
  };
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

std::string http_response(std::string_view body, std::string_view extra_headers = {});

class ScriptedServer {
 public:
  // Listens on 127.0.0.1, any port. `tls` null: plain.
  explicit ScriptedServer(net::asio::io_context& io, net::TlsContext tls = nullptr);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  void add(Script script);     // for the next connection that has none; beyond the last, connections are closed
  void repeat(Script script);  // for every connection beyond the added ones
  void open_gate();
  void stop();  // ends every connection; the loop then runs out of work

  std::uint16_t port() const;
  int connections() const;  // accepted (with TLS: before the handshake)
  int handshakes() const;   // got past TLS, or plain
  int peer_closes() const;
  std::size_t flooded() const;
  const std::vector<std::string>& requests() const;  // in order of arrival, all connections

 private:
  struct State;
  static net::Task<void> accept(std::shared_ptr<State> state);
  static net::Task<void> serve(std::shared_ptr<State> state, net::Socket socket, Script script);
  std::shared_ptr<State> state_;
};

}  // namespace tollgate::testing
