#pragma once
// What can go wrong with a request, as one value that a caller can act on.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

// Each kind has exactly one HTTP status (http_status). The comment says who has to act.
enum class ErrorKind : std::uint8_t {
  invalid_request,         // 400 caller: the request is malformed
  unauthenticated,         // 401 caller: no key, or not one of ours
  budget_exceeded,         // 402 caller: retrying is useless until the period ends
  permission_denied,       // 403 caller: the key is good but may not do this
  not_found,               // 404 caller: no such route or model
  method_not_allowed,      // 405 caller
  request_timeout,         // 408 caller: head or body came too slowly
  payload_too_large,       // 413 caller
  uri_too_long,            // 414 caller
  unsupported_media_type,  // 415 caller: Content-Encoding or Content-Type we do not read
  expectation_failed,      // 417 caller: an Expect other than 100-continue
  rate_limited,            // 429 caller: wait `retry_after`
  headers_too_large,       // 431 caller
  cancelled,               // 499 nobody: the caller left
  internal,                // 500 us: a bug
  not_implemented,         // 501 caller: a transfer coding we do not speak
  upstream_error,          // 502 provider: refused, reset or answered garbage
  overloaded,              // 503 us or the provider: try again after `retry_after`
  upstream_timeout,        // 504 provider: too slow
  http_version,            // 505 caller
};

// One failure. `message`, `code` and `param` are shown to the client, so they hold no secret, no prompt text and
// nothing about the inside of the house. Value type; copyable; not thread-safe.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::string code = {};   // machine-readable, such as "model_not_found"; empty = null on the wire
  std::string param = {};  // the request field at fault; empty = null on the wire
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;
  bool retryable = true;  // false: tell SDKs not to retry (x-should-retry: false)
  // Set when a provider answered with an error: its status, and its body where the caller may see it as it is
  // (a 4xx that speaks about the request itself, in the caller's own dialect).
  int upstream_status = 0;
  std::string upstream_body = {};
};

// The request's field `param` ("messages[2].role"; empty: the request as a whole) cannot be taken as it is: 400, not to
// be tried again.
Error invalid_value(std::string param, std::string message, std::string code = "invalid_value");

int http_status(ErrorKind kind);
// The standard reason phrase for any status code we send (RFC 9110 §15).
std::string_view reason_phrase(int status);
// Stable lower-case name, used as a metric label and in the ledger: "rate_limited".
std::string_view to_string(ErrorKind kind);

}  // namespace tollgate
