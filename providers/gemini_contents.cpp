// contents and systemInstruction (Gemini API reference, Content and Part) with the wire format taken off.
#include <algorithm>
#include <utility>

#include "providers/gemini_call.h"
#include "providers/turns.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Part = CanonicalPart;
using Parts = std::vector<CanonicalPart>;

constexpr std::size_t kMaxParts = 65'536;

// A part as it is read: what it is shows at its end, because members come in any order.
struct Raw {
  Part part;
  std::string media;     // "inlineData" or "fileData"
  std::string response;  // the object
  bool thought = false;
  bool text = false;
  bool call = false;
  bool result = false;
};

constexpr TurnWords kWords{
    .call = "'functionCall'",
    .result = "'functionResponse'",
    .reasoning = "",
    .messages = "contents",
    .assistant = "model",
    .content = "parts",
    .stray = "A 'functionResponse' answers no 'functionCall' of the content before it. Check its 'name' and 'id'.",
    .unanswered = "A 'functionCall' has no 'functionResponse': send one for each of them in the next content.",
    .unanswered_at = "parts",
    .results_apart = true};

class ContentReader {
 public:
  explicit ContentReader(Reading& reading) : reading_(reading), in_(reading.in) {}

  Status contents() {
    TG_CHECK(read_list(reading_, "contents", kMaxMessages, [this] { return content(); }));
    return turns_.all_answered();
  }

  Status system() {
    reading_.place = {};
    reading_.place.object = "systemInstruction";
    Parts parts;
    std::string role;
    TG_CHECK(members(role, parts));
    for (const Part& part : parts)
      if (part.kind != Part::Kind::text) return invalid_value("systemInstruction", "The system may only say text.");
    reading_.place = {};
    if (parts.empty()) return {};
    CanonicalMessage message;
    message.role = Role::system;
    message.parts = std::move(parts);
    reading_.out.messages.insert(reading_.out.messages.begin(), std::move(message));
    return {};
  }

 private:
  Status members(std::string& role, Parts& parts) {
    return read_object(reading_, "", [&](const std::string& key) -> Status {
      const std::string name = camel_case(key);
      if (name == "role") return read_string(reading_, "role", role);
      if (name != "parts" || in_.null()) return name == "parts" ? Status() : skip_value(reading_);
      return read_array(reading_, "parts", [&] { return part(parts); });
    });
  }

  Status content() {
    std::string role;
    Parts parts;
    TG_CHECK(members(role, parts));
    if (role == "model") return turns_.assistant(std::move(parts));
    if (role.empty() || role == "user" || role == "function") return turns_.user(std::move(parts));
    const std::string path = reading_.place.path("role");
    return invalid_value(path, "'" + path + "' must be user or model.");
  }

  // --- parts ---

  Status part(Parts& parts) {
    if (++reading_.parts > kMaxParts)
      return invalid_value("contents",
                           "The contents have too many parts: at most " + std::to_string(kMaxParts) + " are read.");
    Raw raw;
    TG_CHECK(read_object(reading_, "", [&](const std::string& key) { return member(camel_case(key), raw); }));
    return finish(std::move(raw), parts);
  }

  Status member(const std::string& name, Raw& raw) {
    if (name == "text") {
      raw.text = in_.peek() == Kind::string;
      return read_string(reading_, "text", raw.part.text);
    }
    if (name == "thought") return flag(name, raw.thought);
    if (name == "thoughtSignature") return signature(raw.part);
    if (name == "functionCall") return call(raw);
    if (name == "functionResponse") return response(raw);
    if (name == "inlineData" || name == "fileData") return media(name, raw);
    if (name == "videoMetadata" || name == "mediaResolution") return lossy("contents.parts." + name);
    return only_at_google(reading_.place.path("parts"), "parts with '" + name.substr(0, 64) + "'");
  }

  Status flag(const std::string& name, bool& out) {
    std::optional<bool> value;
    TG_CHECK(read_boolean(reading_, name, value));
    out = value.value_or(false);
    return {};
  }

  Status signature(Part& part) {
    TG_CHECK(read_base64(reading_, "thoughtSignature", part.signature));
    part.signature = standard_base64(std::move(part.signature));
    return {};
  }

  Status lossy(const std::string& name) {
    if (in_.peek() != Kind::null) note_lossy(reading_.out.lossy, name);
    return skip_value(reading_);
  }

  Status call(Raw& raw) {
    raw.call = true;
    raw.part.text = "{}";
    return read_object(reading_, "functionCall", [&](const std::string& key) -> Status {
      if (key == "name") return read_string(reading_, "functionCall.name", raw.part.name);
      if (key == "id") return read_string(reading_, "functionCall.id", raw.part.id);
      return key == "args" ? read_raw_object(reading_, "functionCall.args", raw.part.text) : skip_value(reading_);
    });
  }

  Status response(Raw& raw) {
    raw.result = true;
    return read_object(reading_, "functionResponse", [&](const std::string& key) -> Status {
      if (key == "name") return read_string(reading_, "functionResponse.name", raw.part.name);
      if (key == "id") return read_string(reading_, "functionResponse.id", raw.part.id);
      if (key == "response") return read_raw_object(reading_, "functionResponse.response", raw.response);
      if (key == "parts" && in_.peek() == Kind::array)
        return only_at_google(reading_.place.path("parts"), "media in a 'functionResponse'");
      return skip_value(reading_);
    });
  }

  Status media(const std::string& name, Raw& raw) {
    raw.media = name;
    return read_object(reading_, name, [&](const std::string& key) -> Status {
      const std::string inner = camel_case(key);
      if (inner == "mimeType") return read_string(reading_, name + ".mimeType", raw.part.media_type);
      if (inner == "data") return read_base64(reading_, name + ".data", raw.part.data);
      if (inner == "fileUri") return read_string(reading_, name + ".fileUri", raw.part.url);
      return inner == "displayName" ? read_string(reading_, name + ".displayName", raw.part.name)
                                    : skip_value(reading_);
    });
  }

  // --- what a part becomes ---

  Status finish(Raw raw, Parts& parts) {
    if (raw.call) return add_call(std::move(raw.part), parts);
    if (raw.result) return add_result(std::move(raw), parts);
    if (!raw.media.empty()) return add_media(std::move(raw), parts);
    if (raw.thought) return add_thought(std::move(raw.part), parts);
    if (raw.text) parts.emplace_back().text = std::move(raw.part.text);
    return {};
  }

  Status add(Part::Kind kind, Part part, Parts& parts) {
    part.kind = kind;
    parts.push_back(std::move(part));
    return {};
  }

  Status add_call(Part part, Parts& parts) {
    if (part.name.empty())
      return invalid_value(reading_.place.path("parts"), "A 'functionCall' needs the function's 'name'.");
    return add(Part::Kind::tool_call, std::move(part), parts);
  }

  // {"output": TEXT} says a result and {"error": TEXT} a failure (Gemini API reference, FunctionResponse); the SDKs
  // write {"result": TEXT} for what a function gave back. Anything else is handed on as JSON.
  Status add_result(Raw raw, Parts& parts) {
    JsonReader object(raw.response);
    std::string only;
    std::size_t members = 0;
    if (!raw.response.empty()) object.enter_object();
    while (!raw.response.empty() && object.next_member()) {
      const std::string key(object.key());
      const bool text = object.peek() == Kind::string && (key == "output" || key == "result" || key == "error");
      if (text)
        only = object.decode(object.string());
      else
        object.skip();
      raw.part.failed = text && key == "error" && members == 0;
      members += text ? 1 : 2;
    }
    if (members != 1) raw.part.failed = false;
    raw.part.content.emplace_back().text = members == 1 ? std::move(only) : std::move(raw.response);
    return add(Part::Kind::tool_result, std::move(raw.part), parts);
  }

  Status add_media(Raw raw, Parts& parts) {
    Part& part = raw.part;
    if (part.url.find("generativelanguage.googleapis.com") != std::string::npos)
      return only_at_google(reading_.place.path("parts"), "a file that the provider keeps: send its content");
    part.data = standard_base64(std::move(part.data));
    part.text.clear();
    const auto is = [&part](std::string_view type) { return part.media_type.starts_with(type); };
    if (is("image/")) return add(Part::Kind::image, std::move(part), parts);
    if (is("audio/")) return add(Part::Kind::audio, std::move(part), parts);
    if (!is("video/")) return add(Part::Kind::file, std::move(part), parts);
    part.name = part.media_type;
    return add(Part::Kind::unknown, std::move(part), parts);
  }

  // A thought comes in pieces, and what signs it at the end.
  Status add_thought(Part part, Parts& parts) {
    const bool sealed = part.text.empty() && part.signature.starts_with(kSealedThought);
    if (sealed) {
      part.data = part.signature.substr(kSealedThought.size());
      part.signature.clear();
      return add(Part::Kind::reasoning, std::move(part), parts);
    }
    const bool goes_on = !parts.empty() && parts.back().kind == Part::Kind::reasoning && parts.back().data.empty() &&
                         parts.back().signature.empty();
    if (!goes_on) return add(Part::Kind::reasoning, std::move(part), parts);
    parts.back().text += part.text;
    parts.back().signature = std::move(part.signature);
    return {};
  }

  Reading& reading_;
  JsonReader& in_;
  Turns turns_{reading_, kWords};
};

}  // namespace

std::string standard_base64(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += '=';
  return text;
}

Error only_at_google(std::string param, std::string_view what) {
  return invalid_value(std::move(param), "The provider of this model cannot be sent " + std::string(what) +
                                             ". Leave it out, or name a model that Google itself serves.");
}

Status read_gemini_contents(Reading& reading) { return ContentReader(reading).contents(); }
Status read_gemini_system(Reading& reading) { return ContentReader(reading).system(); }

}  // namespace tollgate::providers
