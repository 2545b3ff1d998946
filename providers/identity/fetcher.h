#pragma once
// Private to providers/identity: what obtaining a credential may do, each step bounded and all of it stoppable.
#include <memory>
#include <string>
#include <vector>

#include "gateway/net/signal.h"
#include "providers/identity/credential.h"
#include "providers/identity/identity.h"

namespace tollgate::providers {

struct TokenRequest {
  std::string method = "POST";
  std::string url;
  std::vector<net::Header> headers;
  std::string body;
  std::string header_wanted;  // of the answer; empty: none
};

struct TokenReply {
  int status = 0;
  Secret body;         // at most JsonFields::kMaxBytes
  std::string header;  // the wanted one
};

// The hands of one fetch. One step at a time; lives on one loop, and until its steps have ended.
class Fetcher {
 public:
  Fetcher(const IdentityContext& context, TokenRoute route);
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  SystemTime now() const { return context_.clock.system_now(); }
  const Environment& environment() const { return context_.environment; }
  std::string env(const std::string& name) const { return context_.environment(name).value_or(""); }
  // Errors: upstream_error, upstream_timeout, cancelled; the message names the host. Any status is an answer.
  net::Task<Result<TokenReply>> send(TokenRequest request);
  // Errors: those of CredentialFiles, cancelled.
  net::Task<Result<Secret>> read_file(std::string path);

  // The step under way ends with ErrorKind::cancelled within a loop turn, as does every later one. Idempotent.
  void stop();
  bool stopped() const { return stopped_; }

 private:
  Result<HttpCall> http_call(TokenRequest& request) const;
  net::Task<Result<TokenReply>> exchange(HttpExchange& exchange, std::string_view header_wanted);

  const IdentityContext& context_;
  TokenRoute route_;
  HttpExchange* exchange_ = nullptr;  // under way
  net::Signal file_done_;
  bool stopped_ = false;
};

// Turns the refusal of a token endpoint into an error that names the host, the status and the error code, if that is a
// plain word. Retryable: 408, 429 and 5xx.
Error token_refusal(std::string_view who, int status, std::string_view code);

}  // namespace tollgate::providers
