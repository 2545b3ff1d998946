#pragma once
// What the filters do to strings. Private to the jinja_*.cpp files.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::local_backend::jinja {

// Python's str.strip, lstrip and rstrip, of white space as Unicode has it or of the characters in `what`.
std::string trimmed(const std::string& s, bool left = true, bool right = true, const std::string& what = {});
// Where the first white space is, as str.split() has it; npos.
std::size_t find_blank(std::string_view s);
std::vector<std::string> character_list(const std::string& s);  // a guarding mark stays with the character before it
std::string float_text(double value);                           // Python's repr
std::string titled(const std::string& s);                       // str.title, ASCII letters only
std::string replaced(const std::string& s, const std::string& from, const std::string& to);
std::string with_case(std::string s, bool upper);            // ASCII letters only
std::int64_t characters(const std::string& s);               // the mark that guards user text (0xFF) counts for none
void quote_json(const std::string& text, std::string& out);  // json.dumps(text, ensure_ascii=False)

}  // namespace tollgate::local_backend::jinja
