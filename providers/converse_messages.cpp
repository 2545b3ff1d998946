// messages and system (Amazon Bedrock API reference, ContentBlock) with the wire format taken off.
#include <iterator>
#include <utility>

#include "providers/bedrock_content.h"
#include "providers/converse_call.h"
#include "providers/turns.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Part = CanonicalPart;
using Parts = std::vector<CanonicalPart>;

constexpr std::size_t kMaxParts = 65'536;

constexpr TurnWords kWords{
    .call = "toolUse block",
    .result = "toolResult block",
    .reasoning = "reasoningContent block",
    .messages = "messages",
    .assistant = "assistant",
    .content = "content",
    .stray = "A toolResult block answers no toolUse block of the message before it. Check its 'toolUseId'.",
    .unanswered =
        "Expected toolResult blocks for the toolUse blocks of the message before: send one for each of them, in "
        "the next message."};

class ContentReader {
 public:
  explicit ContentReader(Reading& reading) : reading_(reading), in_(reading.in) {}

  Status messages() {
    TG_CHECK(read_list(reading_, "messages", kMaxMessages, [this] { return message(); }));
    return turns_.all_answered();
  }

  Status system() {
    reading_.place = {};
    reading_.place.list = "system";
    Parts parts;
    TG_CHECK(content("system", parts));
    for (const Part& part : parts)
      if (part.kind != Part::Kind::text) return invalid_value("system", "The system may only say text.");
    reading_.place = {};
    if (parts.empty()) return {};
    CanonicalMessage message;
    message.role = Role::system;
    message.parts = std::move(parts);
    reading_.out.messages.insert(reading_.out.messages.begin(), std::move(message));
    return {};
  }

 private:
  Status message() {
    std::string role;
    Parts parts;
    TG_CHECK(read_object(reading_, "", [&](const std::string& key) -> Status {
      if (key == "role") return read_string(reading_, key, role);
      return key == "content" ? content(key, parts) : skip_value(reading_);
    }));
    if (role == "assistant") return turns_.assistant(std::move(parts));
    if (role == "user") return turns_.user(std::move(parts));
    const std::string path = reading_.place.path("role");
    return invalid_value(path, "'" + path + "' must be user or assistant.");
  }

  // --- blocks ---

  Status content(std::string_view name, Parts& parts) {
    if (in_.null()) return {};
    return read_array(reading_, name, [&] { return block(parts); });
  }

  Status block(Parts& parts) {
    if (++reading_.parts > kMaxParts)
      return invalid_value(
          "messages", "The messages have too many content blocks: at most " + std::to_string(kMaxParts) + " are read.");
    return read_object(reading_, "", [&](const std::string& key) { return member(key, parts); });
  }

  Status member(const std::string& key, Parts& parts) {
    if (in_.null()) return {};
    if (key == "text") return read_string(reading_, key, parts.emplace_back().text);
    if (key == "image" || key == "document" || key == "audio") return media(key, parts);
    if (key == "toolUse") return call(parts);
    if (key == "toolResult") return tool_result(parts);
    if (key == "reasoningContent") return reasoning(parts);
    if (key == "cachePoint") return cache_point(parts);
    if (key == "guardContent") return guarded(parts);
    if (key == "json") return json(parts);
    return only_at_bedrock(reading_.place.path("content"), key.substr(0, 64) + " blocks");
  }

  Status json(Parts& parts) {
    const Span value = in_.skip();
    parts.emplace_back().text = in_.view(value);
    return {};
  }

  Status cache_point(Parts& parts) {
    CacheMark mark = CacheMark::none;
    TG_CHECK(read_cache_point(reading_, mark));
    if (!parts.empty()) parts.back().cache = mark;
    return {};
  }

  // Only a guardrail makes a difference between such text and any other.
  Status guarded(Parts& parts) {
    return read_object(reading_, "guardContent", [&](const std::string& key) -> Status {
      if (key != "text") return only_at_bedrock(reading_.place.path("content"), "guardContent blocks without text");
      return read_object(reading_, key, [&](const std::string& inner) {
        return inner == "text" ? read_string(reading_, inner, parts.emplace_back().text) : skip_value(reading_);
      });
    });
  }

  Status call(Parts& parts) {
    Part& part = parts.emplace_back();
    part.kind = Part::Kind::tool_call;
    TG_CHECK(read_object(reading_, "toolUse", [&](const std::string& key) -> Status {
      if (key == "toolUseId") return read_string(reading_, key, part.id);
      if (key == "name") return read_string(reading_, key, part.name);
      return key == "input" ? read_raw_object(reading_, key, part.text) : skip_value(reading_);
    }));
    if (part.text.empty()) part.text = "{}";
    if (!part.id.empty() && !part.name.empty()) return {};
    return invalid_value(reading_.place.path("content"), "A toolUse block needs a 'toolUseId' and a 'name'.");
  }

  Status tool_result(Parts& parts) {
    Part part;
    part.kind = Part::Kind::tool_result;
    std::string status;
    TG_CHECK(read_object(reading_, "toolResult", [&](const std::string& key) -> Status {
      if (key == "toolUseId") return read_string(reading_, key, part.id);
      if (key == "status") return read_string(reading_, key, status);
      return key == "content" ? content(key, part.content) : skip_value(reading_);
    }));
    part.failed = status == "error";
    for (const Part& inner : part.content)
      if (inner.kind != Part::Kind::text && inner.kind != Part::Kind::image && inner.kind != Part::Kind::file)
        return invalid_value(reading_.place.path("content"), "Only text, JSON, images and documents are results.");
    parts.push_back(std::move(part));
    return {};
  }

  // {"reasoningText":{"text","signature"}} or {"redactedContent":BYTES}
  Status reasoning(Parts& parts) {
    Part& part = parts.emplace_back();
    part.kind = Part::Kind::reasoning;
    return read_object(reading_, "reasoningContent", [&](const std::string& key) -> Status {
      if (key == "redactedContent") return read_base64(reading_, key, part.data);
      if (key != "reasoningText") return skip_value(reading_);
      return read_object(reading_, key, [&](const std::string& inner) -> Status {
        if (inner == "text") return read_string(reading_, inner, part.text);
        return inner == "signature" ? read_base64(reading_, inner, part.signature) : skip_value(reading_);
      });
    });
  }

  // --- media ---

  struct Media {
    std::string format;
    std::string name;
    std::string context;
    std::string bytes;
    std::string url;
    std::string text;
    Parts content;
  };

  Status media(const std::string& key, Parts& parts) {
    Media media;
    TG_CHECK(read_object(reading_, key, [&](const std::string& inner) -> Status {
      if (inner == "format") return read_string(reading_, inner, media.format);
      if (inner == "name") return read_string(reading_, inner, media.name);
      if (inner == "context") return read_string(reading_, inner, media.context);
      return inner == "source" ? source(media) : skip_value(reading_);
    }));
    if (key == "document") return add_document(std::move(media), parts);
    if (media.bytes.empty() && media.url.empty())
      return invalid_value(reading_.place.path("content"), "'" + key + "' needs a 'source' with 'bytes'.");
    Part& part = parts.emplace_back();
    part.kind = key == "image" ? Part::Kind::image : Part::Kind::audio;
    part.media_type = key + "/" + media.format;
    part.data = std::move(media.bytes);
    part.url = std::move(media.url);
    return {};
  }

  Status source(Media& media) {
    return read_object(reading_, "source", [&](const std::string& key) -> Status {
      if (key == "bytes") return read_base64(reading_, key, media.bytes);
      if (key == "text") return read_string(reading_, key, media.text);
      if (key == "content") return content(key, media.content);
      if (key != "s3Location") return skip_value(reading_);
      return read_object(reading_, key, [&](const std::string& inner) {
        return inner == "uri" ? read_string(reading_, inner, media.url) : skip_value(reading_);
      });
    });
  }

  // Plain text has no place of its own elsewhere: it is said as it is, after the document's name.
  Status add_document(Media media, Parts& parts) {
    if (!media.bytes.empty() || !media.url.empty()) {
      Part& part = parts.emplace_back();
      part.kind = Part::Kind::file;
      part.media_type = document_media_type(media.format);
      part.name = std::move(media.name);
      part.data = std::move(media.bytes);
      part.url = std::move(media.url);
      if (!media.context.empty()) note_lossy(reading_.out.lossy, "messages.content.document.context");
      return {};
    }
    for (std::string* line : {&media.name, &media.context})
      if (!line->empty()) parts.emplace_back().text = std::move(*line) + "\n";
    if (!media.text.empty()) parts.emplace_back().text = std::move(media.text);
    std::move(media.content.begin(), media.content.end(), std::back_inserter(parts));
    return {};
  }

  Reading& reading_;
  JsonReader& in_;
  Turns turns_{reading_, kWords};
};

}  // namespace

Error only_at_bedrock(std::string param, std::string_view what) {
  return invalid_value(std::move(param), "The provider of this model cannot be sent " + std::string(what) +
                                             ". Leave it out, or name a model that Bedrock itself serves.");
}

Status read_cache_point(Reading& reading, CacheMark& out) {
  std::string ttl;
  TG_CHECK(read_object(reading, "cachePoint", [&](const std::string& key) {
    return key == "ttl" ? read_string(reading, key, ttl) : skip_value(reading);
  }));
  out = ttl == "1h" ? CacheMark::one_hour : CacheMark::five_minutes;
  return {};
}

Status read_converse_messages(Reading& reading) { return ContentReader(reading).messages(); }
Status read_converse_system(Reading& reading) { return ContentReader(reading).system(); }

}  // namespace tollgate::providers
