#pragma once
// Where a provider's model works, as far as its names tell. Pure.
#include <string>
#include <string_view>

#include "providers/upstream.h"

namespace tollgate::providers {

// Why calls of this model may be worked on anywhere in the world; empty: nothing says so.
// Wire facts: Bedrock's cross-region inference profiles that begin with "global."; Vertex AI's location "global" and
// the Gemini API, which has no locations.
std::string works_anywhere(const ProviderOptions& provider, std::string_view model);

}  // namespace tollgate::providers
