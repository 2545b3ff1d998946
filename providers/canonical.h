#pragma once
// A chat request with the wire format taken off: what cross-dialect targets and the local model are given.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "providers/call.h"

namespace tollgate::providers {

struct CanonicalMessage {
  std::string role;     // "system", "user", "assistant", "tool"
  std::string content;  // text parts joined; parts that are not text are left out and reported
};

struct CanonicalRequest {
  std::vector<CanonicalMessage> messages;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> seed;
  std::optional<std::int64_t> max_tokens;
  std::vector<std::string> stop;
  std::int64_t n = 1;
  // Request fields that have no counterpart here: the caller is told (x-tollgate-lossy).
  std::vector<std::string> lossy;
};

// `body` is the scrubbed body of an accepted call. Errors: invalid_request with `param` for values out of range.
Result<CanonicalRequest> canonicalise(std::string_view body);

}  // namespace tollgate::providers
