#pragma once
// What the filters do to strings. Private to the jinja_*.cpp files.
#include <cstdint>
#include <string>

namespace tollgate::local_backend::jinja {

std::string trimmed(const std::string& s);                   // Python's str.strip, for ASCII
std::string with_case(std::string s, bool upper);            // ASCII letters only
std::int64_t characters(const std::string& s);               // the mark that guards user text (0xFF) counts for none
void quote_json(const std::string& text, std::string& out);  // json.dumps(text, ensure_ascii=False)

}  // namespace tollgate::local_backend::jinja
