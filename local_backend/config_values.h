#pragma once
// Typed members of config.json, with their bounds. Private to the files that read it.
#include <string>

#include "local_backend/json_document.h"

namespace tollgate::local_backend::config_values {

// Throws std::runtime_error("config.json: " + why).
[[noreturn]] void refuse(const std::string& why);

// `fallback` where the key is missing or null; a fallback below `least` means that the key is required.
int integer(const Json& object, const std::string& key, int fallback, int least, int most);
double number(const Json& object, const std::string& key, double fallback);  // positive
double required_number(const Json& object, const std::string& key);
bool flag(const Json& object, const std::string& key, bool fallback);
std::string text(const Json& object, const std::string& key, const std::string& fallback);

}  // namespace tollgate::local_backend::config_values
