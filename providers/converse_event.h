#pragma once
// Answers of Converse to callers of the same API: frames that are edited in place. Internal to providers/.
#include <string>
#include <string_view>

#include "providers/event.h"

namespace tollgate::providers {

// One message of the stream: `frame` is all of it, `data` its payload, which begins at `data_offset`. `Event::block` is
// the index of the content block, of all kinds. Errors: upstream_error for garbage; what an exception says.
Result<Batch> decode_converse_event(std::string frame, std::string_view data, std::size_t data_offset);
// A whole answer. `span` of a call's arguments is the `input` object itself, not the inside of a string.
Result<Batch> decode_converse_response(std::string body);

}  // namespace tollgate::providers
