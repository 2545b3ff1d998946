#pragma once
// Answers of generateContent to callers of the same API: frames that are edited in place. Internal to providers/.
#include <string>
#include <string_view>

#include "providers/event.h"

namespace tollgate::providers {

// As decode_chat_event: the data of one SSE event whose raw bytes are `frame`. A call comes whole: `span` of its
// arguments is the `args` object itself, not the inside of a string.
Result<Batch> decode_gemini_event(std::string frame, std::string_view data, std::size_t data_offset);
// A whole answer.
Result<Batch> decode_gemini_response(std::string body);

}  // namespace tollgate::providers
