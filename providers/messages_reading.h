#pragma once
// The parts of canonicalise_messages. Internal to providers/.
#include "providers/canonical_reading.h"

namespace tollgate::providers {

// The members of the same names.
Status read_message_list(Reading& reading);   // messages
Status read_system_prompt(Reading& reading);  // system
Status read_tool_list(Reading& reading);      // tools
Status read_choice(Reading& reading);         // tool_choice

// What only Anthropic itself can do, by a model that is served elsewhere.
Error only_at_anthropic(std::string param, std::string_view what);

}  // namespace tollgate::providers
