#pragma once
// References inside one JSON Schema: "#/$defs/node". Internal to local_backend.
#include <string>
#include <string_view>

#include "local_backend/json_document.h"

namespace tollgate::local_backend {

// What a value may be one of.
inline constexpr std::string_view kAlternatives[] = {"anyOf", "oneOf"};

// A key as a JSON pointer writes it (RFC 6901).
std::string pointer_part(std::string_view key);

// nullptr where there is nothing, and for what is in another document.
const Json* referred_to(const Json& root, std::string_view reference);

// The schema contains itself through references and alternatives alone, without a byte of text in between.
bool leads_to_itself(const Json& root, const Json& schema);

}  // namespace tollgate::local_backend
