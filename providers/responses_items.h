#pragma once
// The `input` of a Responses request. Internal to providers/.
#include "providers/request_reader.h"

namespace tollgate::providers {

// The value of `input`: a text, or an array of items. Indexes their texts.
bool read_input(RequestReader& r);

// Refuses what only a gateway that keeps answers could do.
bool refuse_state(RequestReader& r, const std::string& param, std::string_view instead);

}  // namespace tollgate::providers
