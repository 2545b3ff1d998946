#pragma once
// A canonical request's messages as the other providers want them: what the system says apart, then turns that
// alternate, each call answered right after it. Pure. Internal to providers/.
#include <string_view>
#include <vector>

#include "providers/canonical.h"

namespace tollgate::providers {

struct Turn {
  bool assistant = false;
  std::vector<CanonicalPart> parts;  // never empty; results come first, in the order of their calls
};

struct Conversation {
  std::vector<CanonicalPart> system;  // texts, in order, wherever they stood
  std::vector<Turn> turns;            // at least one; the first is the user's
};

enum class Replay : std::uint8_t { none, signed_reasoning };

// Takes the messages out of `request`. Neighbours of the same role are merged, blank texts are dropped, refusals become
// text. Reasoning is kept where `replay` allows it and the provider signed it; other reasoning is dropped and named in
// `request.lossy`. Where the user's turn is missing at the start, one of "." stands in.
// Errors: invalid_request where calls and results do not match, or the system says anything but text.
Result<Conversation> converse(CanonicalRequest& request, Replay replay);

// The last answer that is under way (results of its calls end the conversation) starts with reasoning that can be
// replayed, or there is none: providers that reason ask for it.
bool reasoning_can_go_on(const CanonicalRequest& request);

// What this provider has no place for: the answer would be about another question, so the request is refused.
Error cannot_carry(std::string_view what);

}  // namespace tollgate::providers
