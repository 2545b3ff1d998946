#pragma once
// The `messages` of a chat request (OpenAI API reference, chat/completions). Internal to providers/.
#include "providers/request_reader.h"

namespace tollgate::providers {

// The list: its texts are indexed with the role of their message. At least one message is wanted.
bool read_messages(RequestReader& request);
// A text, a list of parts, or null.
bool read_content(RequestReader& request);

}  // namespace tollgate::providers
