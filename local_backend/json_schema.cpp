// JSON Schema (draft 2020-12, the keywords listed below) to a grammar.
#include <algorithm>
#include <map>
#include <span>
#include <stdexcept>

#include "local_backend/json_document.h"
#include "local_backend/json_grammar.h"
#include "local_backend/json_rules.h"
#include "local_backend/schema_reference.h"

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxNodes = 200'000;
constexpr std::size_t kMaxSchema = 256UL * 1024;
constexpr int kMaxDepth = 64;

using Words = std::span<const std::string_view>;

// Say something to people, or stand for other keywords' use.
constexpr std::string_view kRemarks[] = {"title",    "description", "$schema",  "$id",       "$comment", "default",
                                         "examples", "deprecated",  "readOnly", "writeOnly", "$defs",    "definitions"};
constexpr std::string_view kReference[] = {"$ref"};
constexpr std::string_view kFixed[] = {"enum", "const", "type"};
constexpr std::string_view kTyped[] = {"type",     "properties", "required", "additionalProperties",
                                       "items",    "minItems",   "maxItems", "minLength",
                                       "maxLength"};

bool is_word(Words words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

// Of what is taken as a fixed value; empty for others.
std::string_view type_of(const Json& value) {
  static constexpr std::pair<Json::Kind, std::string_view> kTypes[] = {{Json::Kind::null, "null"},
                                                                       {Json::Kind::boolean, "boolean"},
                                                                       {Json::Kind::integer, "integer"},
                                                                       {Json::Kind::string, "string"}};
  for (const auto& [kind, type] : kTypes)
    if (value.kind == kind) return type;
  return {};
}

class SchemaCompiler {
 public:
  // Both must outlive this.
  SchemaCompiler(const Json& root, GrammarBuilder& build) : root_(root), build_(build) {}

  // Returns where a value that began at `from` ends. What is built is of use only where there is no error().
  int compile(int from) {
    const int end = value(from, root_, "#", 0);
    while (!pending_.empty() && error_.message.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      const Grammar::Rule rule = build_.at(next.rule);
      build_.jump(value(rule.start, *next.schema, next.pointer, 0), rule.end);
    }
    return end;
  }
  const SchemaError& error() const { return error_; }

 private:
  struct Pending {
    int rule;
    const Json* schema;
    std::string pointer;
  };

  // The first fault is kept; what is built after it is never used.
  int refuse(int from, const std::string& pointer, const std::string& what) {
    if (error_.message.empty()) error_.message = "the JSON schema at " + pointer + ": " + what;
    return from;
  }
  bool full(int from, const std::string& pointer) {
    if (build_.size() > kMaxNodes) refuse(from, pointer, "the schema is too large for the local model");
    return !error_.message.empty();
  }

  bool only(const Json& schema, const std::string& pointer, Words words) {
    for (const std::string& key : schema.keys) {
      if (is_word(words, key) || is_word(kRemarks, key)) continue;
      refuse(0, pointer + "/" + pointer_part(key), "this keyword is not implemented here by the local model");
      return false;
    }
    return true;
  }

  int value(int from, const Json& schema, const std::string& pointer, int depth) {
    if (full(from, pointer)) return from;
    if (depth > kMaxDepth) return refuse(from, pointer, "schemas nest too deep");
    if (schema.is(Json::Kind::boolean) && schema.boolean) return build_.call(from, kValue);
    if (!schema.is(Json::Kind::object))
      return refuse(from, pointer, "a schema must be an object that allows something");
    if (const Json* ref = schema.find("$ref")) {
      return only(schema, pointer, kReference) ? reference(from, *ref, pointer + "/$ref") : from;
    }
    for (const std::string_view word : kAlternatives) {
      const Json* options = schema.find(word);
      if (options == nullptr) continue;
      const std::string_view words[] = {word};
      return only(schema, pointer, words) ? alternatives(from, *options, pointer + "/" + std::string(word), depth)
                                          : from;
    }
    if (schema.find("enum") != nullptr || schema.find("const") != nullptr) return fixed(from, schema, pointer);
    return only(schema, pointer, kTyped) ? typed(from, schema, pointer, depth) : from;
  }

  // A rule of its own for each place referred to, so that schemas may contain themselves.
  int reference(int from, const Json& ref, const std::string& pointer) {
    if (!ref.is(Json::Kind::string)) return refuse(from, pointer, "must be a string");
    const auto known = rules_.find(ref.string);
    if (known != rules_.end()) return build_.call(from, known->second);
    const Json* target = referred_to(root_, ref.string);
    if (target == nullptr) return refuse(from, pointer, "refers to nothing in this schema");
    if (leads_to_itself(root_, *target)) return refuse(from, pointer, "refers to itself without an end");
    const int rule = build_.rule();
    rules_.emplace(ref.string, rule);
    pending_.push_back({rule, target, ref.string});
    return build_.call(from, rule);
  }

  int alternatives(int from, const Json& options, const std::string& pointer, int depth) {
    if (!options.is(Json::Kind::array) || options.items.empty())
      return refuse(from, pointer, "must be a list of schemas");
    const int end = build_.node();
    for (std::size_t i = 0; i < options.items.size(); ++i) {
      const int start = build_.node();
      build_.jump(from, start);
      build_.jump(value(start, options.items[i], pointer + "/" + std::to_string(i), depth + 1), end);
    }
    return end;
  }

  int fixed(int from, const Json& schema, const std::string& pointer) {
    if (!only(schema, pointer, kFixed)) return from;
    std::vector<const Json*> values;
    if (const Json* one = schema.find("const")) values.push_back(one);
    const Json* list = values.empty() ? schema.find("enum") : nullptr;
    if (list != nullptr && list->is(Json::Kind::array))
      for (const Json& value : list->items) values.push_back(&value);
    const auto types = types_of(schema);
    const int end = build_.node();
    bool any = false;
    for (const Json* value : values) {
      if (type_of(*value).empty())
        return refuse(from, pointer, "the local model takes strings, integers, booleans and null here");
      if (!types.empty() && !fits(types, type_of(*value))) continue;
      build_.jump(build_.text(from, json_text(*value)), end);
      any = true;
      if (full(from, pointer)) return from;
    }
    return any ? end : refuse(from, pointer, "no value is allowed");
  }

  static bool fits(const std::vector<std::string_view>& types, std::string_view type) {
    return is_word(types, type) || (type == "integer" && is_word(types, "number"));
  }

  static std::vector<std::string_view> types_of(const Json& schema) {
    std::vector<std::string_view> out;
    const Json* type = schema.find("type");
    if (type == nullptr) return out;
    if (type->is(Json::Kind::string)) out.push_back(type->string);
    for (const Json& one : type->items) out.push_back(one.string);
    return out;
  }

  int typed(int from, const Json& schema, const std::string& pointer, int depth) {
    auto types = types_of(schema);
    if (types.empty()) {  // what its keywords speak about
      if (schema.find("properties") != nullptr || schema.find("required") != nullptr) types = {"object"};
      if (schema.find("items") != nullptr) types = {"array"};
      if (schema.find("minLength") != nullptr || schema.find("maxLength") != nullptr) types = {"string"};
    }
    if (types.empty()) return build_.call(from, kValue);
    const int end = build_.node();
    for (const std::string_view type : types) build_.jump(one_type(from, type, schema, pointer, depth), end);
    return end;
  }

  int one_type(int from, std::string_view type, const Json& schema, const std::string& pointer, int depth) {
    if (type == "object") return object(from, schema, pointer, depth);
    if (type == "array") return array(from, schema, pointer, depth);
    if (type == "string") return string(from, schema, pointer);
    if (type == "integer") return build_.call(from, kInteger);
    if (type == "number") return build_.call(from, kNumber);
    if (type == "null") return build_.text(from, "null");
    if (type != "boolean") return refuse(from, pointer + "/type", "this type is not known");
    const int end = build_.node();
    build_.jump(build_.text(from, "true"), end);
    build_.jump(build_.text(from, "false"), end);
    return end;
  }

  struct Bounds {
    std::int64_t low = 0;
    std::int64_t high = -1;  // -1: none
  };

  Bounds bounds(const Json& schema, std::string_view low, std::string_view high, const std::string& pointer) {
    Bounds out;
    for (const auto& [word, value] : {std::pair(low, &out.low), std::pair(high, &out.high)}) {
      const Json* given = schema.find(word);
      if (given == nullptr) continue;
      *value = given->integer;
      const bool sound =
          given->is(Json::Kind::integer) && *value >= 0 && *value <= static_cast<std::int64_t>(kMaxNodes);
      if (!sound) refuse(0, pointer + "/" + std::string(word), "must be an integer from 0 to 200000");
    }
    if (out.high >= 0 && out.low > out.high) refuse(0, pointer, "no value is allowed");
    return out;
  }

  int string(int from, const Json& schema, const std::string& pointer) {
    const Bounds count = bounds(schema, "minLength", "maxLength", pointer);
    int at = build_.any_of(from, "\"");
    const int close = build_.node();
    for (std::int64_t i = 0; i < std::max(count.low, count.high); ++i) {
      if (full(from, pointer)) return from;
      if (i >= count.low) build_.jump(at, close);
      at = build_.call(at, kCharacter);
    }
    build_.jump(at, close);
    if (count.high < 0) build_.jump(build_.call(at, kCharacter), at);
    return build_.any_of(close, "\"");
  }

  int array(int from, const Json& schema, const std::string& pointer, int depth) {
    const Bounds count = bounds(schema, "minItems", "maxItems", pointer);
    static const Json kAnything = [] {
      Json anything;
      anything.kind = Json::Kind::boolean;
      anything.boolean = true;
      return anything;
    }();
    const Json* items = schema.find("items");
    const int item = build_.rule();
    build_.jump(value(build_.at(item).start, items == nullptr ? kAnything : *items, pointer + "/items", depth + 1),
                build_.at(item).end);
    int at = build_.call(build_.any_of(from, "["), kSpace);
    const int close = build_.node();
    if (count.low == 0) build_.jump(at, close);
    if (count.high == 0) return build_.any_of(close, "]");
    const std::int64_t copies = std::max<std::int64_t>({1, count.low, count.high});
    for (std::int64_t i = 1; i <= copies; ++i) {
      if (full(from, pointer)) return from;
      at = build_.call(i == 1 ? at : build_.call(build_.any_of(at, ","), kSpace), item);
      if (i >= count.low) build_.jump(build_.call(at, kSpace), close);
    }
    if (count.high < 0) build_.jump(build_.call(build_.call(build_.any_of(at, ","), kSpace), item), at);
    return build_.any_of(close, "]");
  }

  struct Property {
    std::string name;
    const Json* schema;  // null: any value
    bool required;
  };

  std::vector<Property> properties_of(const Json& schema, const std::string& pointer) {
    std::vector<Property> out;
    if (const Json* named = schema.find("properties")) {
      if (!named->is(Json::Kind::object)) refuse(0, pointer + "/properties", "must be an object");
      for (std::size_t i = 0; i < named->keys.size(); ++i) out.push_back({named->keys[i], &named->items[i], false});
    }
    const Json* required = schema.find("required");
    if (required == nullptr) return out;
    if (!required->is(Json::Kind::array)) refuse(0, pointer + "/required", "must be a list of names");
    for (const Json& name : required->items) {
      const auto known = std::ranges::find(out, name.string, &Property::name);
      if (known != out.end()) known->required = true;
      if (known == out.end()) out.push_back({name.string, nullptr, true});
    }
    return out;
  }

  int object(int from, const Json& schema, const std::string& pointer, int depth) {
    const auto properties = properties_of(schema, pointer);
    if (properties.empty()) return map_of(from, schema, pointer, depth);
    int empty = build_.call(build_.any_of(from, "{"), kSpace);  // where no property was written yet; -1: one has to be
    int begun = -1;                                             // where one was
    for (const Property& property : properties) {
      if (full(from, pointer)) return from;
      const int rule = property_rule(property, pointer, depth);
      const int after = build_.node();
      if (empty >= 0) build_.jump(build_.call(empty, rule), after);
      if (begun >= 0) build_.jump(build_.call(build_.call(build_.any_of(begun, ","), kSpace), rule), after);
      if (begun >= 0 && !property.required) build_.jump(begun, after);
      if (property.required) empty = -1;
      begun = after;
    }
    const int close = build_.node();
    build_.jump(build_.call(begun, kSpace), close);
    if (empty >= 0) build_.jump(empty, close);
    return build_.any_of(close, "}");
  }

  int property_rule(const Property& property, const std::string& pointer, int depth) {
    const int rule = build_.rule();
    const int at = build_.call(build_.text(build_.at(rule).start, json_quoted(property.name) + ":"), kSpace);
    const std::string place = pointer + "/properties/" + pointer_part(property.name);
    const int end =
        property.schema == nullptr ? build_.call(at, kValue) : value(at, *property.schema, place, depth + 1);
    build_.jump(end, build_.at(rule).end);
    return rule;
  }

  // An object whose names are free.
  int map_of(int from, const Json& schema, const std::string& pointer, int depth) {
    const Json* additional = schema.find("additionalProperties");
    if (additional == nullptr || (additional->is(Json::Kind::boolean) && additional->boolean))
      return build_.call(from, kObject);
    if (additional->is(Json::Kind::boolean)) return build_.any_of(build_.call(build_.any_of(from, "{"), kSpace), "}");
    const int member = build_.rule();
    const int at = build_.call(build_.any_of(build_.call(build_.at(member).start, kString), ":"), kSpace);
    build_.jump(value(at, *additional, pointer + "/additionalProperties", depth + 1), build_.at(member).end);
    const int open = build_.call(build_.any_of(from, "{"), kSpace);
    const int close = build_.node();
    build_.jump(open, close);
    const int written = build_.call(open, member);
    build_.jump(build_.call(build_.call(build_.any_of(written, ","), kSpace), member), written);
    build_.jump(build_.call(written, kSpace), close);
    return build_.any_of(close, "}");
  }

  const Json& root_;
  GrammarBuilder& build_;
  std::map<std::string, int, std::less<>> rules_;  // by what $ref says
  std::vector<Pending> pending_;
  SchemaError error_;
};

}  // namespace

std::variant<Grammar, SchemaError> json_object_grammar() {
  GrammarBuilder build;
  build.jump(build.call(build.at(kRoot).start, kObject), build.at(kRoot).end);
  return build.take();
}

std::variant<Grammar, SchemaError> schema_grammar(std::string_view schema) {
  if (schema.size() > kMaxSchema) return SchemaError{"the JSON schema is too large for the local model"};
  try {
    const Json root = parse_json(schema, "the JSON schema");
    GrammarBuilder build;
    SchemaCompiler compiler(root, build);
    build.jump(compiler.compile(build.at(kRoot).start), build.at(kRoot).end);
    if (!compiler.error().message.empty()) return compiler.error();
    return build.take();
  } catch (const std::runtime_error& error) {
    return SchemaError{error.what()};
  }
}

std::variant<Grammar, SchemaError> call_grammar(const std::vector<CallForm>& forms, std::string_view arguments) {
  GrammarBuilder build;
  for (const CallForm& form : forms) {
    if (form.schema.size() > kMaxSchema) return SchemaError{"the schema of " + form.name + " is too large"};
    const int begin = build.node();
    build.jump(build.at(kRoot).start, begin);
    const int value =
        build.text(begin, "{\"name\": " + json_quoted(form.name) + ", \"" + std::string(arguments) + "\": ");
    try {
      const Json root = parse_json(form.schema, "the schema of " + form.name);
      const bool any = root.is(Json::Kind::object) && root.keys.empty();
      SchemaCompiler compiler(root, build);
      const int end = any ? build.call(value, kObject) : compiler.compile(value);
      if (!compiler.error().message.empty()) return SchemaError{form.name + ": " + compiler.error().message};
      build.jump(build.text(end, "}"), build.at(kRoot).end);
    } catch (const std::runtime_error& error) {
      return SchemaError{error.what()};
    }
  }
  return build.take();
}

}  // namespace tollgate::local_backend
