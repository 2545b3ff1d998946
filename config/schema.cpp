// The only file that knows nlohmann::json here.
#include "config/schema.h"

#include <nlohmann/json.hpp>

namespace tollgate::config {
namespace {

using Json = nlohmann::ordered_json;

// Renders shapes and collects the named ones.
class Renderer {
 public:
  Json render(const Shape& shape) {
    if (shape.definition.empty()) return body(shape);
    define(shape);
    return Json{{"$ref", "#/$defs/" + shape.definition}};
  }

  void define(const Shape& shape) {
    if (definitions_.contains(shape.definition)) return;
    definitions_[shape.definition] = Json();  // before the body: a definition may name itself
    Json rendered = body(shape);
    definitions_[shape.definition] = std::move(rendered);
  }

  Json body(const Shape& shape) {
    Json json = Json::object();
    if (!shape.description.empty()) json["description"] = shape.description;
    if (shape.leaf_mark) json["x-tollgate-applies"] = shape.applies == Applies::reload ? "reload" : "restart";
    switch (shape.kind) {
      case Shape::Kind::text:
        text(shape, json);
        break;
      case Shape::Kind::integer:
        integer(shape, json);
        break;
      case Shape::Kind::number:
        json["type"] = "number";
        if (shape.minimum) json["minimum"] = *shape.minimum;
        if (shape.maximum) json["maximum"] = *shape.maximum;
        if (!shape.fallback.empty()) json["default"] = std::stod(shape.fallback);
        break;
      case Shape::Kind::boolean:
        json["type"] = "boolean";
        if (!shape.fallback.empty()) json["default"] = shape.fallback == "true";
        break;
      case Shape::Kind::sequence:
        json["type"] = "array";
        json["items"] = render(shape.inner.front());
        break;
      case Shape::Kind::mapping:
        mapping(shape, json);
        break;
      case Shape::Kind::any_of:
        json["anyOf"] = Json::array();
        for (const Shape& inner : shape.inner) json["anyOf"].push_back(render(inner));
        break;
    }
    return json;
  }

  Json take_definitions() { return std::move(definitions_); }

 private:
  static void text(const Shape& shape, Json& json) {
    json["type"] = "string";
    if (!shape.pattern.empty()) json["pattern"] = shape.pattern;
    if (!shape.choices.empty()) json["enum"] = shape.choices;
    if (!shape.fallback.empty()) json["default"] = shape.fallback;
  }

  static void integer(const Shape& shape, Json& json) {
    json["type"] = "integer";
    if (shape.minimum) json["minimum"] = *shape.minimum;
    if (shape.maximum) json["maximum"] = *shape.maximum;
    if (!shape.fallback.empty()) json["default"] = std::stoll(shape.fallback);
  }

  void mapping(const Shape& shape, Json& json) {
    json["type"] = "object";
    json["properties"] = Json::object();
    for (const auto& [name, property] : shape.properties) json["properties"][name] = render(property);
    if (!shape.required.empty()) json["required"] = shape.required;
    json["additionalProperties"] = shape.inner.empty() ? Json(false) : render(shape.inner.front());
    if (shape.exactly_one) json["minProperties"] = json["maxProperties"] = 1;
  }

  Json definitions_ = Json::object();
};

}  // namespace

std::string render_schema(const Shape& root, const std::vector<Shape>& definitions) {
  Renderer renderer;
  Json json = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Tollgate configuration"}};
  json.update(renderer.body(root));
  for (const Shape& shape : definitions) renderer.define(shape);
  json["$defs"] = renderer.take_definitions();
  return json.dump(2) + "\n";
}

}  // namespace tollgate::config
