#pragma once
// The readers of a Responses request's larger members. Internal to providers/.
#include <string_view>

#include "providers/canonical_reading.h"

namespace tollgate::providers {

// How reasoning that a provider signed stands in `encrypted_content` of a reasoning item: a mark that no provider's own
// content begins with, then base64.
inline constexpr std::string_view kSignedReasoning = "sr1:s:";    // the signature of the item's summary
inline constexpr std::string_view kRedactedReasoning = "sr1:r:";  // reasoning that only its provider can read
inline constexpr std::string_view kSignedCall = "sr1:c:";         // a call's signature, ':', the call's id

// What a custom tool is called with, as the one argument of a function.
inline constexpr std::string_view kCustomInput = "input";

// The members of the same names.
Status read_input_items(Reading& reading);
Status read_flat_tools(Reading& reading);
Status read_flat_tool_choice(Reading& reading);

// What only a provider of this API can do, and the target is none.
Error needs_responses_provider(std::string param, std::string_view what);

}  // namespace tollgate::providers
