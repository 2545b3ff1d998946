#pragma once
// What a cloud gave us to prove who we are.
#include <optional>
#include <string>
#include <utility>

#include "gateway/base/clock.h"
#include "gateway/base/error.h"
#include "gateway/base/secret.h"

namespace tollgate::providers {

// A bearer token, or AWS keys. Never logged; move-only, shared as `std::shared_ptr<const Credential>`.
struct Credential {
  std::string access_key_id;                            // AWS only, no secret
  Secret secret;                                        // the bearer token, or AWS's secret access key
  Secret session_token;                                 // AWS, temporary keys only
  std::optional<SystemTime> expires_at = std::nullopt;  // nullopt: never
};

// Why there is none. The message is for the log. `retryable` says that asking again within seconds may help, which is
// so of networks and busy servers, and not of wrong settings, refusals and garbage.
inline Error no_credential(std::string message, bool retryable = false) {
  return Error{.kind = ErrorKind::upstream_error, .message = std::move(message), .retryable = retryable};
}

}  // namespace tollgate::providers
