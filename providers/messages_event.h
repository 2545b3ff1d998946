#pragma once
// Answers of Anthropic's Messages API to callers of the same API: frames that are edited in place. Internal to
// providers/.
#include <string>
#include <string_view>

#include "providers/dialect.h"
#include "providers/event.h"

namespace tollgate::providers {

// As decode_chat_event: the data of one SSE event whose raw bytes are `frame`. `Event::block` is the index of the
// content block, of all kinds. Errors: upstream_error for garbage; what an error event says, by its type.
Result<Batch> decode_messages_event(std::string frame, std::string_view data, std::size_t data_offset);

// A whole message. `span` of arguments is the `input` object itself, not the inside of a string.
Result<Batch> decode_messages_response(std::string body);

// {"input_tokens": N} of Anthropic or {"totalTokens": N} of Google, as a usage event.
Result<Batch> decode_count_response(std::string body);

// A refusal. What is for the caller keeps its bytes.
Error decode_messages_error(const ErrorAnswer& answer);

}  // namespace tollgate::providers
