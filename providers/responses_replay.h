#pragma once
// Between the two forms of a provider's own answer, where it came in the one that was not asked for. Internal to
// providers/.
#include <string>
#include <string_view>

namespace tollgate::providers {

// A whole response object, told as the events of a stream. Items and the object keep their bytes.
// REQUIRES: decode_responses_body took it.
void replay_response(std::string_view body, std::string& out);

// The response object in the last event of a stream. REQUIRES: decode_responses_event took it, and found the end.
std::string_view response_of_event(std::string_view frame);

}  // namespace tollgate::providers
