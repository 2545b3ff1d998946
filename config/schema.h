#pragma once
// What a value of the configuration may look like. Filled by the same declarations that read it (format.h), so that the
// published schema and the reader cannot disagree.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tollgate::config {

// When a change of a field takes effect.
enum class Applies : std::uint8_t { reload, restart };

struct Property;

struct Shape {
  enum class Kind : std::uint8_t { text, integer, number, boolean, sequence, mapping, any_of };
  Kind kind = Kind::mapping;
  std::string description;
  std::string fallback;              // the default as text; empty: none
  std::string pattern;               // text
  std::vector<std::string> choices;  // text
  std::optional<std::int64_t> minimum;
  std::optional<std::int64_t> maximum;
  std::vector<Property> properties;   // mapping
  std::vector<std::string> required;  // mapping
  bool exactly_one = false;           // mapping: one of the properties
  std::vector<Shape> inner;  // sequence: the item; mapping: every value under a free name; any_of: the alternatives
  std::string definition;    // published once under $defs by this name
  Applies applies = Applies::reload;
  bool leaf_mark = false;  // `applies` was said about this very field
};

struct Property {
  std::string name;
  Shape shape;
};

// Draft 2020-12. `definitions` are added to those found inside `root`.
std::string render_schema(const Shape& root, const std::vector<Shape>& definitions);

}  // namespace tollgate::config
