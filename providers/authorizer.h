#pragma once
// How a request proves to a provider who sends it. The dialect builds the call, the authorizer adds the proof last,
// because a signature covers everything else.
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/net/task.h"
#include "providers/transport.h"

namespace tollgate::providers {

// Adds what proves who we are to a request that is otherwise final: method, path, headers and body do not change
// afterwards. Every attempt is authorized anew (signatures age, tokens are renewed). One per provider and loop; not
// thread-safe. Must outlive its pending authorize() calls.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  // Replaces headers of the same name. Waits only when there is no valid credential at all.
  // Errors: upstream_error with the code "upstream_auth_error" (our credentials could not be obtained; the message is
  // fit for callers, the log has the reason), cancelled. After an error the call must not be sent.
  virtual net::Task<Status> authorize(HttpCall& call) = 0;

  // A pending authorize(call) of this very object ends with ErrorKind::cancelled within a loop turn. Nothing happens
  // when none is pending.
  virtual void cancel(const HttpCall& call) { static_cast<void>(call); }

  // The provider answered 401, or 403 as AWS does for an expired token: a credential kept from earlier is fetched anew
  // before the next call. Repeated words about the same credential count once.
  virtual void refused() {}
};

// For servers that ask for nothing.
std::unique_ptr<Authorizer> no_authorizer();

// One header with a fixed value, such as {"authorization", "Bearer "}, {"api-key", ""}, {"x-api-key", ""} or
// {"x-goog-api-key", ""}: `name: prefix + key`. A null or empty key adds nothing. `name` is lower case.
std::unique_ptr<Authorizer> header_authorizer(std::string name, std::string prefix, std::shared_ptr<const Secret> key);

// The usual ones by name.
std::unique_ptr<Authorizer> bearer_authorizer(std::shared_ptr<const Secret> key);          // OpenAI, AWS API keys
std::unique_ptr<Authorizer> api_key_authorizer(std::shared_ptr<const Secret> key);         // api-key: Azure
std::unique_ptr<Authorizer> x_api_key_authorizer(std::shared_ptr<const Secret> key);       // x-api-key: Anthropic
std::unique_ptr<Authorizer> x_goog_api_key_authorizer(std::shared_ptr<const Secret> key);  // x-goog-api-key: Google

// Sets a header of a call, replacing every one of that name (case-insensitively).
void set_header(HttpCall& call, std::string_view name, std::string value);
void drop_header(HttpCall& call, std::string_view name);

}  // namespace tollgate::providers
