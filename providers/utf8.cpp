// The only file that includes simdjson: its UTF-8 validator, picked for the CPU at run time.
#include <simdjson.h>

#include "providers/json_reader.h"

namespace tollgate::providers {

bool valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace tollgate::providers
