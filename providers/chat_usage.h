#pragma once
// Token counts as providers report them. Internal to providers/.
#include <cstdint>

#include "providers/event.h"
#include "providers/json_reader.h"

namespace tollgate::providers {

// Consumes one value. -1 for anything that is not a believable count.
std::int64_t read_count(JsonReader& reader);

// Consumes a usage object of one of OpenAI's APIs: newer ones say input and output for prompt and completion. Details
// are brought within the totals they are part of. REQUIRES: reader.peek() == JsonReader::Kind::object
Usage read_usage(JsonReader& reader);

// The same of Anthropic's usage object: details that it leaves out are -1 there.
// REQUIRES: reader.peek() == JsonReader::Kind::object
Usage read_message_usage(JsonReader& reader);

// What a stream has told of its prompt before it is over: an answer that breaks off is billed by that. What it tells of
// its output there is a beginning, not a count.
Event prompt_usage(const Usage& told);

}  // namespace tollgate::providers
