#pragma once
// Private to providers/identity: text that goes into URLs, forms and time fields.
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/clock.h"

namespace tollgate::providers {

// Percent-encodes every byte outside A-Za-z0-9-._~ (RFC 3986 §2.3) and outside `also_plain`.
std::string url_encode(std::string_view text, std::string_view also_plain = {});
// Decodes each escape once; a broken one stays as it is.
std::string url_decode(std::string_view text);

// application/x-www-form-urlencoded. Pairs with an empty value are left out.
using FormField = std::pair<std::string_view, std::string_view>;
std::string form(std::initializer_list<FormField> fields);

// RFC 3339 with or without a fraction, "2025-01-02T03:04:05Z" or "...+02:00". The fraction is dropped.
std::optional<SystemTime> parse_rfc3339(std::string_view text);

// Visible ASCII only, not empty: what may stand in a header as a token.
bool is_token_text(std::string_view text);
// Letters, digits and `also`, not empty.
bool is_word(std::string_view text, std::string_view also);
// Without outer white space and line ends: files end with one, and a header must not.
std::string_view strip(std::string_view text);

}  // namespace tollgate::providers
