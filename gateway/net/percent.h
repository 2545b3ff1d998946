#pragma once
// Percent-encoding of URLs (RFC 3986 §2.1).
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::net {

// Decodes each escape once. Nothing when an escape is broken or stands for a control character.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace tollgate::net
