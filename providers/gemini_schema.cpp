// Google's Schema -> JSON Schema (Gemini API reference, Schema: a part of OpenAPI 3.0's; JSON Schema 2020-12).
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "providers/gemini_call.h"
#include "providers/json_writer.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 4> kMaps = {"properties", "$defs", "definitions", "patternProperties"};
constexpr std::array<std::string_view, 5> kLists = {"anyOf", "oneOf", "allOf", "prefixItems", "items"};
constexpr std::array<std::string_view, 3> kInner = {"items", "additionalProperties", "not"};
// int64 is a string in protobuf's JSON mapping.
constexpr std::array<std::string_view, 6> kCounts = {"minItems",  "maxItems",      "minLength",
                                                     "maxLength", "minProperties", "maxProperties"};

// One schema object, read and not yet written.
struct Members {
  std::vector<std::pair<std::string, std::string>> others;  // name and JSON text
  std::string type;                                         // JSON text
  bool nullable = false;
  bool object = false;  // it has properties
  bool open = true;     // it says nothing about further ones
  std::size_t properties = 0;
  std::size_t required = 0;
};

class SchemaReader {
 public:
  SchemaReader(std::string_view schema, bool google, bool closed) : in_(schema), google_(google), closed_(closed) {}

  JsonSchema run() {
    JsonSchema out;
    out.text = schema();
    out.strict = strict_;
    return out;
  }

 private:
  std::string raw() {
    const Span span = in_.skip();
    return std::string(in_.view(span));
  }

  // Recursive: the reader bounds the depth.
  std::string schema() {
    if (in_.peek() != Kind::object) return raw();
    Members members;
    in_.enter_object();
    while (in_.next_member()) member(name(std::string(in_.key())), members);
    return written(members);
  }

  std::string name(std::string key) const {
    if (!google_) return key;
    std::string out = camel_case(key);
    return out == "defs" || out == "ref" ? "$" + out : out;
  }

  void member(const std::string& key, Members& out) {
    if (key == "type") {
      out.type = type();
    } else if (google_ && key == "nullable") {
      out.nullable = raw() == "true";
    } else if (google_ && key == "propertyOrdering") {
      in_.skip();
    } else {
      out.open = out.open && key != "additionalProperties";
      std::string value = value_of(key, out);
      if (key == "additionalProperties") strict_ = strict_ && value == "false";
      out.others.emplace_back(key, std::move(value));
    }
  }

  std::string value_of(const std::string& key, Members& out) {
    const Kind kind = in_.peek();
    if (kind == Kind::object && is_one_of(kMaps, key)) return map(key == "properties" ? &out : nullptr);
    if (kind == Kind::object && is_one_of(kInner, key)) return schema();
    if (kind == Kind::array && is_one_of(kLists, key)) return list();
    if (kind == Kind::array && key == "required") return required(out);
    if (kind == Kind::string && google_ && is_one_of(kCounts, key)) {
      const std::string digits = in_.decode(in_.string());
      const bool number = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                         [](unsigned char c) { return std::isdigit(c) != 0; });
      return number ? digits : "0";
    }
    return raw();
  }

  std::string type() {
    if (!google_ || in_.peek() != Kind::string) return raw();
    std::string text = in_.decode(in_.string());
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (text == "type_unspecified") return {};
    JsonWriter out;
    out.string(text);
    return out.take();
  }

  std::string map(Members* object) {
    JsonWriter out;
    out.begin_object();
    in_.enter_object();
    while (in_.next_member()) {
      const std::string key(in_.key());
      out.raw(key, schema());
      if (object != nullptr) ++object->properties;
    }
    if (object != nullptr) object->object = true;
    out.end_object();
    return out.take();
  }

  std::string list() {
    JsonWriter out;
    out.begin_array();
    in_.enter_array();
    while (in_.next_element()) out.raw(schema());
    out.end_array();
    return out.take();
  }

  std::string required(Members& object) {
    JsonWriter out;
    out.begin_array();
    in_.enter_array();
    while (in_.next_element()) {
      out.raw(raw());
      ++object.required;
    }
    out.end_array();
    return out.take();
  }

  std::string written(const Members& members) {
    JsonWriter out;
    out.begin_object();
    if (!members.type.empty()) out.raw("type", members.nullable ? "[" + members.type + ",\"null\"]" : members.type);
    for (const auto& [key, value] : members.others) out.raw(key, value);
    if (members.object) strict_ = strict_ && members.properties == members.required;
    if (members.type == "\"object\"" && !members.object && members.open) strict_ = false;  // any members are welcome
    if (closed_ && members.object && members.open) out.boolean("additionalProperties", false);
    out.end_object();
    return out.take();
  }

  JsonReader in_;
  bool google_;
  bool closed_;
  bool strict_ = true;
};

}  // namespace

std::string schema_from_google(std::string_view schema) { return SchemaReader(schema, true, false).run().text; }
JsonSchema closed_from_google(std::string_view schema) { return SchemaReader(schema, true, true).run(); }
JsonSchema closed_schema(std::string_view schema) { return SchemaReader(schema, false, true).run(); }

}  // namespace tollgate::providers
