#pragma once
// What one small call to a provider showed: everything that a diagnosis is made from. Plain values.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/error.h"
#include "providers/transport.h"

namespace tollgate::process {

// One request and what came back. Nothing of it is shown to people but host, status, times and `code`.
struct SeenExchange {
  std::shared_ptr<const providers::Endpoint> endpoint;
  std::optional<Error> failure;  // no answer came, or it broke off
  int status = 0;                // 0: there was no answer
  std::string content_type;
  std::string code;        // the provider's name for the error, where it is a plain word: "AccessDeniedException"
  std::string body_start;  // of refusals, for judging only
  std::optional<std::chrono::sys_seconds> date;  // its clock, and ours when the answer came
  SystemTime seen_at{};
};

// How far a connection gets when it is made step by step, and why not further.
struct ProbeResult {
  enum class Step : std::uint8_t { name, connect, proxy, tls, none };
  Step stopped_at = Step::none;
  std::string words;
};

struct Evidence {
  std::string kind;        // of the provider
  std::string model;       // as the provider names it
  std::string credential;  // in words: "an AWS profile"; empty: none is sent
  std::shared_ptr<const providers::Endpoint> endpoint;
  std::optional<Error> error;           // how the call ended; nullopt: well
  std::vector<SeenExchange> exchanges;  // in order; those to other endpoints than the provider's fetched a token
  std::string credential_reason;        // what the log would say about the credential
  std::optional<ProbeResult> probe;     // of the last exchange's endpoint, where that had no answer
};

}  // namespace tollgate::process
