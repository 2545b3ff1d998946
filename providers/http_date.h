#pragma once
// HTTP dates (RFC 9110 §5.6.7).
#include <chrono>
#include <optional>
#include <string_view>

namespace tollgate::providers {

// "Sun, 06 Nov 1994 08:49:37 GMT", the only form that may be generated. Anything else gives nullopt.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

}  // namespace tollgate::providers
