#pragma once
// From a provider's refusal, whatever its dialect, to our Error. Pure. Internal to providers/.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/error.h"

namespace tollgate::providers {

// What the provider said, in the terms of OpenAI's error object; all may be empty.
struct ProviderWords {
  std::string message;
  std::string type;
  std::string code;
  std::string param;
  std::int64_t status = 0;  // HTTP's, of an error inside an answer, where the provider tells it
};

// The kind follows the status. 400, 404, 413 and 422 speak about the caller's request, so the provider's words are for
// the caller; everything else speaks about the provider or about us, and its words stay inside.
Error provider_fault(int status, ProviderWords words);

// The same of an error inside an answer whose status was 200. Where it tells no status (400 to 599), its code or type
// stands for one.
Error fault_inside(ProviderWords words);

// retry-after-ms, else retry-after: seconds, or an HTTP-date counted from `date`. Clamped to [0, 1 h].
std::optional<std::chrono::milliseconds> retry_hint(std::string_view after_ms, std::string_view after,
                                                    std::string_view date);
// "34.4s" as Google writes durations; nullopt for anything else. Clamped likewise.
std::optional<std::chrono::milliseconds> retry_delay(std::string_view seconds);

// The provider's answer is not what its API promises.
Error upstream_garbage();
// The stream ended before its end.
Error upstream_cut();
Error upstream_too_long();
// The model wrote a call or an answer that its provider could not read.
Error upstream_malformed();

// For the caller, where the provider's own words would name what only the operator knows.
inline constexpr std::string_view kModelNotThere =
    "The provider does not have this model under the configured name. Tell the operator of this gateway.";

}  // namespace tollgate::providers
