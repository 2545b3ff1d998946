// generateContent, request side: one strict walk that indexes what policy looks at. Members nobody here knows are
// checked as JSON, and their strings are texts.
#include "providers/gemini_call.h"
#include "providers/request_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Every step returns false once the request is refused.
class GeminiWalk {
 public:
  GeminiWalk(std::string_view body, bool /*model_elsewhere*/) : request_(body) {}

  Result<CallIndex> run() {
    index_.include_usage = true;  // this API always tells
    const bool good = request_.whole([this](std::string_view key) { return member(camel_case(key)); });
    if (good && (has_contents_ || request_.missing("contents"))) return std::move(request_.index);
    return request_.why();
  }

 private:
  bool member(const std::string& name) {
    if (name == "contents") return has_contents_ = contents();
    if (name == "systemInstruction") return content(Role::system);
    if (name == "generationConfig") return config();
    if (name == "tools") return tools();
    if (name == "generateContentRequest")
      return request_.object_of(name, [this](std::string_view key) { return member(camel_case(key)); });
    if (name == "cachedContent") return request_.opaque();  // what the provider keeps, no scanner reads here
    const bool setting = name == "toolConfig" || name == "safetySettings";
    return setting ? request_.skip() : request_.all_texts(Role::other);
  }

  bool contents() {
    return request_.filled_list("contents", "content", [this] { return content(Role::user); });
  }

  // {"role":..., "parts":[...]}. A role that comes after the parts counts for them, too.
  bool content(Role role) {
    const std::size_t first = index_.texts.size();
    const bool good = request_.object(role == Role::system ? "systemInstruction" : "", [&](std::string_view key) {
      const std::string name = camel_case(key);
      if (name == "role") return role_member(role);
      return name == "parts" ? parts() : request_.all_texts(Role::user);
    });
    request_.give_role(role, first);
    return good;
  }

  bool role_member(Role& role) {
    if (json_.null()) return true;
    if (json_.peek() != Kind::string) return request_.wrong_type("role", "a string");
    const std::string name = json_.decode(json_.string());
    if (role != Role::system && name == "model") role = Role::assistant;
    if (role != Role::system && name == "function") role = Role::tool;
    return json_.ok();
  }

  bool parts() {
    if (json_.peek() != Kind::array) return json_.null() || request_.wrong_type("parts", "an array of objects");
    return request_.inner_list("parts", [this] {
      return request_.object("", [this](std::string_view key) { return part(camel_case(key)); });
    });
  }

  bool part(const std::string& name) {
    if (name == "text") return request_.optional_text();
    if (name == "functionCall") return called("args", Role::user);
    if (name == "functionResponse") return called("response", Role::tool);
    if (name == "inlineData" || name == "fileData") return media();
    if (name == "executableCode" || name == "codeExecutionResult") return request_.all_texts(Role::user);
    if (name == "thoughtSignature") return request_.sealed();
    if (name == "thought" || name == "videoMetadata" || name == "mediaResolution") return request_.skip();
    index_.opaque_parts = true;
    return request_.all_texts(Role::user);
  }

  // Names and ids stay: the answer is read by them.
  bool called(std::string_view texts, Role role) {
    return request_.object("", [&](std::string_view key) {
      const std::string name = camel_case(key);
      if (name == "parts") return request_.opaque();  // media
      const bool reference = name == "name" || name == "id";
      return reference ? request_.skip() : request_.all_texts(name == texts ? role : Role::user);
    });
  }

  bool media() {
    index_.opaque_parts = true;
    if (json_.peek() != Kind::object) return request_.skip();
    return request_.object("", [this](std::string_view key) {
      return camel_case(key) == "displayName" ? request_.optional_text() : request_.skip();
    });
  }

  bool tools() {
    if (json_.peek() != Kind::array) return json_.null() || request_.wrong_type("tools", "an array of objects");
    return request_.list("tools",
                         [this] { return request_.object("", [this](std::string_view key) { return tool(key); }); });
  }

  // People write descriptions, examples and defaults into schemas; names of functions stay.
  bool tool(std::string_view kind) {
    if (camel_case(kind) != "functionDeclarations") return texts();
    if (json_.peek() != Kind::array)
      return json_.null() || request_.wrong_type("functionDeclarations", "an array of objects");
    return request_.elements([this] {
      return request_.object("", [this](std::string_view key) { return key == "name" ? request_.skip() : texts(); });
    });
  }

  bool texts() { return request_.all_texts(Role::other); }

  bool config() {
    if (json_.null()) return true;
    return request_.object_of("generationConfig", [this](std::string_view key) {
      const std::string name = camel_case(key);
      if (name == "maxOutputTokens") return request_.max_tokens("generationConfig.maxOutputTokens");
      if (name == "candidateCount") return choices();
      return texts();
    });
  }

  bool choices() {
    std::optional<std::int64_t> n;
    if (!request_.integer("generationConfig.candidateCount", 8, n)) return false;
    index_.n = n.value_or(1);
    return true;
  }

  RequestReader request_;
  JsonReader& json_ = request_.json;
  CallIndex& index_ = request_.index;
  bool has_contents_ = false;
};

}  // namespace

std::string camel_case(std::string_view key) {
  std::string out;
  out.reserve(key.size());
  bool upper = false;
  for (const char c : key) {
    if (c == '_' && !out.empty()) {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

Result<Call> decode_gemini_call(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<GeminiWalk>(Api::gemini, std::move(body), std::move(path_model));
}

Result<Call> decode_gemini_array_call(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<GeminiWalk>(Api::gemini_array, std::move(body), std::move(path_model));
}

Result<Call> decode_gemini_count_call(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<GeminiWalk>(Api::gemini_count, std::move(body), std::move(path_model));
}

}  // namespace tollgate::providers
