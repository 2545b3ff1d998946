#pragma once
// Rows in the text format of PostgreSQL's COPY. Pure. Private.
#include <string>
#include <string_view>

#include "finops/usage_record.h"

namespace tollgate::finops {

// PostgreSQL refuses text with a NUL or invalid UTF-8, and one such row would stop all shipping: both become U+FFFD.
std::string postgres_text(std::string_view text);

// Appends one line, columns in the order of for_each_field().
void append_copy_line(const UsageRecord& record, std::string& out);

}  // namespace tollgate::finops
