#pragma once
// A JSON text as a plain value, with the checks that model files need: no duplicate keys, bounded depth, keys in the
// order of the file. The JSON library stays in the .cpp.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::local_backend {

struct Json {
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;  // also set for `number` where it fits no integer: 0
  double number = 0;         // set for integer too
  std::string string;
  std::vector<Json> items;        // of an array, or the values of an object
  std::vector<std::string> keys;  // of an object: keys[i] names items[i]

  bool is(Kind k) const { return kind == k; }
  // The member, or nullptr where there is none (or this is no object). Linear: objects looked up this way are small.
  const Json* find(std::string_view key) const;
  // The member unless it is missing or null.
  const Json* find_set(std::string_view key) const;
};

// The value as JSON, without white space.
std::string json_text(const Json& value);

// Throws std::runtime_error("<what>: ...") when the text is no JSON, repeats a key, or nests deeper than 64.
// Integers above int64 are refused where they stand.
Json parse_json(std::string_view text, const std::string& what);

// Reads a whole file of at most `limit` bytes; throws std::runtime_error naming the file.
std::string read_file(const std::string& path, std::size_t limit);
Json read_json_file(const std::string& path, std::size_t limit);
bool file_exists(const std::string& path);

}  // namespace tollgate::local_backend
