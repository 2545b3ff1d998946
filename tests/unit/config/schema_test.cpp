// The published schema and the reader say the same, because they are one declaration; the example shows all of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "config/document.h"
#include "config/facts.h"
#include "config/files.h"
#include "config/scalars.h"
#include "support.h"

namespace tollgate::config {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using testing::problems_of;

const std::filesystem::path kExample = "config/example";

const json& schema() {
  static const json kSchema = json::parse(json_schema());
  return kSchema;
}

const json& resolved(const json& shape) {
  if (!shape.contains("$ref")) return shape;
  const std::string name = shape["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
  return schema()["$defs"].at(name);
}

// As much of JSON Schema as ours uses. Names of the keys seen are collected as "department.limits.concurrent".
class Validator {
 public:
  bool valid(const Node& node, const json& reference, const std::string& path) {
    const json& shape = resolved(reference);
    if (shape.contains("anyOf")) {
      return std::any_of(shape["anyOf"].begin(), shape["anyOf"].end(),
                         [&](const json& one) { return valid(node, one, path); });
    }
    const std::string type = shape.at("type");
    if (type == "object") return object(node, shape, path);
    if (type == "array") {
      return node.kind == Node::Kind::sequence &&
             std::all_of(node.items.begin(), node.items.end(),
                         [&](const Node& item) { return valid(item, shape.at("items"), path + "[]"); });
    }
    return node.kind == Node::Kind::scalar && scalar(node, shape, type);
  }

  const std::set<std::string>& seen() const { return seen_; }

 private:
  bool object(const Node& node, const json& shape, const std::string& path) {
    if (node.kind != Node::Kind::mapping) return false;
    for (const json& name : shape.value("required", json::array())) {
      if (node.find(name.get<std::string>()) == nullptr) return false;
    }
    for (const Member& member : node.members) {
      const bool known = shape["properties"].contains(member.key);
      const json& rest = shape.at("additionalProperties");
      if (!known && rest == json(false)) return false;
      const std::string inner = path + "." + (known ? member.key : "*");
      if (!valid(member.value, known ? shape["properties"][member.key] : rest, inner)) return false;
      seen_.insert(inner);
    }
    return node.members.size() <= shape.value("maxProperties", node.members.size());
  }

  static bool scalar(const Node& node, const json& shape, const std::string& type) {
    if (type == "integer") return parse_integer(node.text).has_value() && !node.quoted;
    if (type == "number") return parse_decimal(node.text).has_value() && !node.quoted;
    if (type == "boolean") return node.text == "true" || node.text == "false";
    if (shape.contains("enum")) return shape["enum"].dump().find("\"" + node.text + "\"") != std::string::npos;
    return !shape.contains("pattern") || std::regex_match(node.text, std::regex(shape["pattern"].get<std::string>()));
  }

  std::set<std::string> seen_;
};

// Every key of the schema below `shape`, named as the validator names them.
void keys_of(const json& reference, const std::string& path, std::set<std::string>& out) {
  const json& shape = resolved(reference);
  for (const json& one : shape.value("anyOf", json::array())) keys_of(one, path, out);
  if (shape.contains("items")) keys_of(shape["items"], path + "[]", out);
  if (shape.contains("additionalProperties") && shape["additionalProperties"].is_object()) {
    out.insert(path + ".*");
    keys_of(shape["additionalProperties"], path + ".*", out);
  }
  const json properties = shape.value("properties", json::object());  // items() of a temporary would dangle
  for (const auto& [name, property] : properties.items()) {
    out.insert(path + "." + name);
    keys_of(property, path + "." + name, out);
  }
}

Node parsed(const std::filesystem::path& file) {
  std::vector<Problem> problems;
  const auto text = read_file(file, kMaxFileBytes);
  EXPECT_TRUE(text.ok()) << file;
  auto root = parse_yaml(text->bytes, file.string(), problems);
  EXPECT_TRUE(root.has_value()) << file;
  return root.value_or(Node{});
}

struct Validated {
  std::set<std::string> seen;
};

// The example against the schema: the main file, then each included one against its definition.
Validated validate_example() {
  Validator validator;
  EXPECT_TRUE(validator.valid(parsed(kExample / "tollgate.yaml"), schema(), ""));
  const std::vector<std::pair<std::string, std::string>> kinds{
      {"providers", "provider"}, {"models", "model"}, {"departments", "department"}, {"policies", "policy"}};
  for (const auto& [directory, definition] : kinds) {
    const auto files = expand_include(kExample, "conf.d/" + directory + "/**");
    EXPECT_TRUE(files.ok() && !files->empty());
    for (const auto& file : *files) {
      EXPECT_TRUE(validator.valid(parsed(file), schema()["$defs"][definition], definition)) << file;
    }
  }
  return {validator.seen()};
}

TEST(Example, LoadsOffline) {
  LoadOptions options;
  options.offline = true;
  const LoadResult result = load(kExample / "tollgate.yaml", options);
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->departments.size(), 2U);
  EXPECT_EQ(result.snapshot->models.size(), 3U);
  EXPECT_EQ(result.snapshot->providers.size(), 13U);
  EXPECT_EQ(result.snapshot->redis->host, "redis.internal");
}

TEST(Example, IsValidUnderThePublishedSchema) { validate_example(); }

// Keys that cannot stand beside the others, or that repeat an included definition.
bool shown_elsewhere(const std::string& key) {
  for (const char* prefix : {".providers", ".models", ".departments", ".pii.policies.*", ".demo"}) {
    if (key.starts_with(prefix)) return true;
  }
  // All limits are one mapping: the department's shows every key.
  if (key.find("limits.") != std::string::npos && !key.starts_with("department.limits.")) {
    return !key.starts_with(".listen.");
  }
  for (const char* part : {".password.file", "fallback[].timeouts", "fallback[].cool_down",
                           "fallback[].deployment_type", ".http2", ".plain_http", ".sealed", ".env", "policy.types."}) {
    if (key.find(part) != std::string::npos) return true;
  }
  // Analysers show who they are, and go out, as providers do.
  for (const char* part : {".analysers[].auth.", ".analysers[].egress."})
    if (key.find(part) != std::string::npos) return true;
  // Sources of credentials: one to a provider.
  for (const char* source :
       {"aws.static_keys", "aws.environment", "aws.profile", "aws.container", "aws.instance", "google.metadata",
        "entra.workload_identity", "entra.managed_identity", "entra.app_service"}) {
    if (key.starts_with("provider.auth." + std::string(source))) return true;
  }
  return false;
}

TEST(Example, ShowsEveryKeyThatTheReaderAccepts) {
  const std::set<std::string> seen = validate_example().seen;
  std::set<std::string> all;
  keys_of(schema(), "", all);
  for (const char* definition : {"provider", "model", "department", "policy"}) {
    keys_of(schema()["$defs"][definition], definition, all);
  }
  for (const std::string& key : all) EXPECT_TRUE(seen.contains(key) || shown_elsewhere(key)) << key;
}

TEST(Schema, IsCompleteAndStrict) {
  EXPECT_EQ(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema()["additionalProperties"], false);
  EXPECT_EQ(schema()["required"], json::parse(R"(["schema", "master_key"])"));
  EXPECT_EQ(schema()["properties"]["departments"]["items"]["$ref"], "#/$defs/department");
  EXPECT_EQ(schema()["properties"]["listen"]["properties"]["port"]["default"], 8443);
  EXPECT_EQ(schema()["properties"]["listen"]["properties"]["port"]["x-tollgate-applies"], "restart");
  EXPECT_EQ(schema()["properties"]["listen"]["properties"]["timeouts"]["properties"]["idle"]["default"], "75s");
}

void every_field_is_marked(const json& reference, const std::string& path) {
  const json& shape = reference.contains("$ref") ? json::object() : reference;
  const json properties = shape.value("properties", json::object());
  for (const auto& [name, property] : properties.items()) {
    const std::string inner = path + "." + name;
    EXPECT_FALSE(property.value("description", "").empty()) << inner;
    const bool section = property.value("type", "") == "object" && !property.contains("minProperties");
    EXPECT_TRUE(section || property.contains("x-tollgate-applies")) << inner;
    if (!property.contains("minProperties") && !property.contains("anyOf")) every_field_is_marked(property, inner);
  }
}

TEST(Schema, SaysOfEveryFieldWhatItIsAndWhenItApplies) {
  every_field_is_marked(schema(), "");
  for (const auto& [name, definition] : schema()["$defs"].items()) every_field_is_marked(definition, name);
}

// "listen.tls.key" -> its mark; empty when there is no such key.
std::string mark_of(const std::string& name) {
  const json* at = &schema();
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string key = name.substr(begin, end - begin);
    if (!(*at)["properties"].contains(key)) return "";
    at = &(*at)["properties"][key];
    begin = end + 1;
  }
  return at->value("x-tollgate-applies", "");
}

TEST(Schema, MarksEverySettingAsTheDiffDoes) {
  LoadOptions options;
  options.offline = true;
  const auto snapshot = load(kExample / "tollgate.yaml", options).snapshot;
  ASSERT_NE(snapshot, nullptr);
  for (const Fact& fact : settings_of(*snapshot)) {
    EXPECT_EQ(mark_of(fact.name), fact.applies == Applies::restart ? "restart" : "reload") << fact.name;
  }
}

}  // namespace
}  // namespace tollgate::config
