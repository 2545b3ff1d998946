// Converse, request side: one strict walk that indexes what policy looks at. Members nobody here knows are checked as
// JSON, and their strings are texts.
#include <algorithm>
#include <array>

#include "providers/converse_call.h"
#include "providers/request_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Values that the API defines.
constexpr std::array<std::string_view, 4> kSettings = {"guardrailConfig", "performanceConfig", "serviceTier",
                                                       "additionalModelResponseFieldPaths"};
// Strings inside blocks that are no prose: the answer is read by them, or they choose a form.
constexpr std::array<std::string_view, 7> kReferences = {"toolUseId", "format",      "status",    "type",
                                                         "uri",       "bucketOwner", "qualifiers"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Every step returns false once the request is refused.
class ConverseWalk {
 public:
  ConverseWalk(std::string_view body, bool /*model_elsewhere*/) : request_(body) {}

  Result<CallIndex> run() {
    index_.include_usage = true;  // this API always tells
    const bool good = request_.whole([this](std::string_view key) { return member(key); });
    if (good && (has_messages_ || request_.missing("messages"))) return std::move(request_.index);
    return request_.why();
  }

 private:
  bool member(std::string_view key) {
    if (key == "messages") return has_messages_ = messages();
    if (key == "system") return system();
    if (key == "inferenceConfig") return inference_config();
    if (key == "toolConfig") return tool_config();
    if (key == "outputConfig") return output_config();
    return is_one_of(kSettings, key) ? request_.skip() : request_.all_texts(Role::other);
  }

  bool messages() {
    return request_.filled_list("messages", "message", [this] { return message(); });
  }

  bool message() {
    Role role = Role::user;
    const std::size_t first = index_.texts.size();
    const bool good = request_.object("", [&](std::string_view key) {
      if (key == "role") return role_member(role);
      return key == "content" ? content() : request_.all_texts(Role::user);
    });
    request_.give_role(role, first);
    return good;
  }

  bool role_member(Role& role) {
    if (json_.peek() != Kind::string) return request_.wrong_type("role", "a string");
    if (json_.decode(json_.string()) == "assistant") role = Role::assistant;
    return json_.ok();
  }

  bool content() {
    if (json_.peek() != Kind::array) return request_.wrong_type("content", "an array of objects");
    return request_.inner_list("content", [this] { return block(Role::user); });
  }

  bool system() {
    if (json_.peek() != Kind::array) return json_.null() || request_.wrong_type("system", "an array of objects");
    const std::size_t first = index_.texts.size();
    const bool good = request_.list("system", [this] { return block(Role::user); });
    request_.give_role(Role::system, first);
    return good;
  }

  // A union: the member says what it is.
  bool block(Role role) {
    return request_.object("", [&](std::string_view key) {
      if (key == "text") return request_.optional_text(role);
      if (key == "toolUse") return called("input", role);
      if (key == "toolResult") return called("content", Role::tool);
      if (key == "reasoningContent") return reasoning();
      if (key == "cachePoint") return request_.skip();
      if (key == "json") return request_.all_texts(role);
      const bool read =
          key == "document" || key == "guardContent" || key == "citationsContent" || key == "searchResult";
      index_.opaque_parts = index_.opaque_parts || !read;
      return prose(role);
    });
  }

  // Names and ids stay.
  bool called(std::string_view texts, Role role) {
    return request_.object("", [&](std::string_view key) {
      if (key == "content" && texts == key && json_.peek() == Kind::array)
        return request_.elements([this] { return block(Role::tool); });
      const bool reference = key == "toolUseId" || key == "name" || key == "status" || key == "type";
      return reference ? request_.skip() : request_.all_texts(role);
    });
  }

  bool reasoning() {
    return request_.object("", [this](std::string_view key) {
      if (key == "reasoningText") return reasoning();
      if (key == "text") return request_.optional_text();
      return request_.sealed();
    });
  }

  // Every string but references and bytes. Recursive: the reader bounds the depth.
  bool prose(Role role) {
    if (json_.peek() == Kind::string) return request_.text(role);
    if (json_.peek() == Kind::array) return request_.elements([&] { return prose(role); });
    if (json_.peek() != Kind::object) return request_.skip();
    return request_.object("", [&](std::string_view key) {
      const bool text = json_.peek() == Kind::string;
      if (key == "bytes" || key == "s3Location") return request_.opaque();
      return text && is_one_of(kReferences, key) ? request_.skip() : prose(role);
    });
  }

  bool inference_config() {
    return request_.object_of("inferenceConfig", [this](std::string_view key) {
      if (key == "maxTokens") return request_.max_tokens("inferenceConfig.maxTokens");
      return request_.all_texts(Role::other);
    });
  }

  // People write descriptions, examples and defaults into schemas; names of tools stay.
  bool tool_config() {
    return request_.object_of("toolConfig", [this](std::string_view key) {
      if (key == "toolChoice") return request_.skip();
      if (key != "tools" || json_.peek() != Kind::array) return request_.all_texts(Role::other);
      return request_.elements(
          [this] { return request_.object("", [this](std::string_view kind) { return tool(kind); }); });
    });
  }

  bool tool(std::string_view kind) {
    if (kind == "cachePoint" || kind == "systemTool") return request_.skip();
    if (kind != "toolSpec") return request_.all_texts(Role::other);
    return request_.object(
        "", [this](std::string_view key) { return key == "name" ? request_.skip() : request_.all_texts(Role::other); });
  }

  // The schema is JSON inside a string.
  bool output_config() {
    return request_.object_of("outputConfig", [this](std::string_view key) { return output_member(key); });
  }

  // textFormat.structure.jsonSchema.schema. Recursive: the reader bounds the depth.
  bool output_member(std::string_view key) {
    if (key == "type" || key == "effort" || key == "name") return request_.skip();
    if (key == "schema") return request_.optional_text(Role::other, true);
    if (json_.peek() != Kind::object) return request_.all_texts(Role::other);
    return request_.object("", [this](std::string_view inner) { return output_member(inner); });
  }

  RequestReader request_;
  JsonReader& json_ = request_.json;
  CallIndex& index_ = request_.index;
  bool has_messages_ = false;
};

}  // namespace

Result<Call> decode_converse_call(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<ConverseWalk>(Api::converse, std::move(body), std::move(path_model));
}

}  // namespace tollgate::providers
