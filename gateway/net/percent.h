#pragma once
// Percent-encoding of URLs (RFC 3986 §2.1).
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::net {

// Decodes each escape once. Nothing when an escape is broken or stands for a control character.
std::optional<std::string> percent_decode(std::string_view text);

// The first value of that name in the query of a request's target, as it stands there; empty where there is none.
std::string_view query_value(std::string_view target, std::string_view name);

}  // namespace tollgate::net
