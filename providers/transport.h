#pragma once
// The lower seam: HTTP to a provider, whatever carries it. Two implementations: HotTransport (own keep-alive pool,
// Beast's parser, raw sockets, CONNECT) and CurlTransport (HTTP/2, SOCKS, authenticating proxies).
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/http1.h"
#include "gateway/net/task.h"
#include "gateway/net/tls.h"

namespace tollgate::providers {

// What a provider may ask us to show: PEM, the chain after the certificate. The key is never empty.
struct ClientCertificate {
  std::string certificate_pem;
  std::shared_ptr<const Secret> key_pem;
};

struct ProxyLogin {
  std::string user;
  std::shared_ptr<const Secret> password;  // REQUIRES: set
};

// The way out to one provider and to the servers that give out its tokens.
struct Egress {
  std::string ca_pem;  // the trust, for a transport that builds its own TLS contexts; empty: the system's
  std::shared_ptr<const ClientCertificate> client_certificate;  // likewise; null: none
  std::string connect_proxy_host;                               // empty: direct. HotTransport speaks CONNECT to it
  std::uint16_t connect_proxy_port = 0;
  std::string curl_proxy;                         // anything libcurl accepts, such as socks5h://...; CurlTransport only
  std::shared_ptr<const ProxyLogin> proxy_login;  // null: none. HotTransport knows the scheme Basic only
};

// Where and how to connect. Built at config load, shared and immutable; its address is the pool key.
struct Endpoint {
  std::string host;
  std::uint16_t port = 443;
  bool tls = true;
  net::TlsContext tls_context;  // REQUIRES: set when tls
  std::string base_path;        // "/v1", without a trailing slash
  Egress egress;
  bool http2 = false;                             // CurlTransport only
  std::vector<net::asio::ip::address> addresses;  // of `host`, tried in turn; empty: the name is looked up. Direct
                                                  // only; CurlTransport takes one
  std::size_t max_idle = 64;                      // kept connections per worker
  std::string host_name;          // sent as Host instead: a server behind a shared address is found by it
  std::string authority() const;  // host[:port], port omitted when it is the scheme's default
  std::string host_header() const { return host_name.empty() ? authority() : host_name; }
};

// Phase limits, each from the start of its phase. Zero = none.
struct Timeouts {
  std::chrono::milliseconds connect{3'000};      // resolve, TCP, proxy and TLS together
  std::chrono::milliseconds first_byte{60'000};  // from the last request byte to the response head
  std::chrono::milliseconds idle{60'000};        // between two reads of the body
};

// A request body that is sent as it comes, in chunks. One reader at a time; all on one loop.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Appends the next bytes, a bounded number of them. false: that was all. An error cuts the request and becomes the
  // error of the exchange.
  virtual net::Task<Result<bool>> read_some(std::string& out) = 0;
  // Nobody wants the rest: a pending read_some() ends with ErrorKind::cancelled, and so does every later one.
  virtual void stop() = 0;
};

struct HttpCall {
  std::shared_ptr<const Endpoint> endpoint;
  std::string method = "POST";
  std::string path;                  // appended to base_path
  std::vector<net::Header> headers;  // allow-list built by the dialect; Host and Content-Length are added
  std::string body;
  std::shared_ptr<BodySource> source = nullptr;  // instead of `body`; such a call is never sent twice
  Timeouts timeouts;
};

// One response being received. Destroying it before the body ended closes the connection, which cancels the call
// upstream. Not thread-safe: lives on one loop.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  // Sends the request and waits for the response head. Once. Retried inside only when a reused connection turned out
  // dead before one response byte, and never after the provider may have started work.
  virtual net::Task<Status> start() = 0;
  virtual int status() const = 0;                                    // REQUIRES: start() was ok
  virtual std::string_view header(std::string_view name) const = 0;  // REQUIRES: start() was ok
  // What followed the body, where the transport keeps that; never a part of the head. Empty before the body's end.
  virtual std::string_view trailer(std::string_view name) const {
    (void)name;
    return {};
  }
  // Appends what arrived to `out`. false: the body has ended properly. A cut body is an upstream_error.
  virtual net::Task<Result<bool>> read_some(std::string& out) = 0;
  // A pending start() or read_some() ends with ErrorKind::cancelled within a loop turn. Idempotent.
  virtual void cancel() = 0;
  // The request may have reached the provider (some of its bytes were written).
  virtual bool dispatched() const = 0;
};

// One per worker loop. Exchanges must not outlive it.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::unique_ptr<HttpExchange> open(HttpCall call) = 0;
};

}  // namespace tollgate::providers
