// messages and system (Anthropic API reference, messages/create) with the wire format taken off.
#include <iterator>

#include "providers/messages_reading.h"
#include "providers/turns.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Part = CanonicalPart;
using Parts = std::vector<Part>;

constexpr std::size_t kMaxParts = 65'536;  // of all messages

void append(Parts& to, Parts&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// A block's members, in whatever order they come.
struct Raw {
  std::string type;
  Part part;  // what its members say directly
  bool has_text = false;
  bool has_input = false;
  bool cites = false;
  std::string title;
  std::string context;
  std::string origin;  // of a search result
  std::string source;  // the type of it
  Parts content;
};

constexpr TurnWords kWords{
    .call = "`tool_use` block",
    .result = "`tool_result` block",
    .reasoning = "`thinking` block",
    .messages = "messages",
    .assistant = "assistant",
    .content = "content",
    .stray = "A `tool_result` block answers no `tool_use` block of the message before it. Check its 'tool_use_id'.",
    .unanswered =
        "`tool_use` ids were found without `tool_result` blocks immediately after. Send one for each of them, in "
        "the next message."};

class ContentReader {
 public:
  explicit ContentReader(Reading& reading) : reading_(reading), in_(reading.in) {}

  Status messages() {
    TG_CHECK(read_list(reading_, "messages", kMaxMessages, [this] { return message(); }));
    return turns_.all_answered();
  }

  Status system() {
    if (in_.null()) return {};
    CanonicalMessage message;
    message.role = Role::system;
    if (in_.peek() == Kind::string) {
      TG_CHECK(read_string(reading_, "system", message.parts.emplace_back().text));
    } else {
      TG_CHECK(read_list(reading_, "system", kMaxParts, [&]() -> Status {
        TG_CHECK(block(message.parts));
        return texts_only(message.parts);
      }));
    }
    auto& messages = reading_.out.messages;
    messages.insert(messages.begin(), std::move(message));  // wherever it stands in the request
    return {};
  }

 private:
  // --- messages ---

  Status message() {
    std::string role;
    Parts parts;
    TG_CHECK(read_object(reading_, "", [&](const std::string& key) {
      if (key == "role") return read_string(reading_, key, role);
      return key == "content" ? content(parts) : skip_value(reading_);
    }));
    if (role == "assistant") return turns_.assistant(std::move(parts));
    return role == "system" ? system_message(std::move(parts)) : turns_.user(std::move(parts));
  }

  Status system_message(Parts parts) {
    TG_CHECK(texts_only(parts));
    turns_.push(Role::system, std::move(parts));
    return {};
  }

  Status texts_only(const Parts& parts) const {
    if (parts.empty() || parts.back().kind == Part::Kind::text) return {};
    return invalid_value(reading_.place.path("type"), "The system may only say text.");
  }

  // --- content ---

  Status content(Parts& parts) {
    if (in_.null()) return {};
    if (in_.peek() == Kind::string) return read_string(reading_, "content", parts.emplace_back().text);
    const Place outer = reading_.place;
    const bool outermost = outer.inner_item == Place::kNone;
    (outermost ? reading_.place.inner : reading_.place.object) = "content";
    TG_CHECK(read_array(reading_, "", [&] {
      if (outermost) ++reading_.place.inner_item;
      return block(parts);
    }));
    reading_.place = outer;
    return {};
  }

  Status block(Parts& parts) {
    if (++reading_.parts > kMaxParts)
      return invalid_value(
          "messages", "The messages have too many content blocks: at most " + std::to_string(kMaxParts) + " are read.");
    Raw raw;
    TG_CHECK(read_object(reading_, "", [&](const std::string& key) { return member(key, raw); }));
    if (raw.cites) note_lossy(reading_.out.lossy, "messages.content.citations");
    return finish(std::move(raw), parts);
  }

  Status member(const std::string& key, Raw& raw) {
    Part& part = raw.part;
    if (key == "type") return read_string(reading_, key, raw.type);
    if (key == "text" || key == "thinking") return read_string(reading_, key, part.text);
    if (key == "signature") return read_base64(reading_, key, part.signature);
    if (key == "data") return read_string(reading_, key, part.data);
    if (key == "id" || key == "tool_use_id") return read_string(reading_, key, part.id);
    if (key == "name") return read_string(reading_, key, part.name);
    if (key == "title") return read_string(reading_, key, raw.title);
    if (key == "context") return read_string(reading_, key, raw.context);
    if (key == "input") return input(raw);
    if (key == "is_error") return failed(part);
    if (key == "content") return block_content(raw);
    if (key == "source") return in_.peek() == Kind::string ? read_string(reading_, key, raw.origin) : source(raw);
    if (key == "cache_control") return read_cache_mark(reading_, part.cache);
    if (key == "extra_content") return extra_content(part);
    if (key == "citations") raw.cites = in_.peek() == Kind::object || in_.peek() == Kind::array;
    return skip_value(reading_);
  }

  Status input(Raw& raw) {
    raw.has_input = in_.peek() == Kind::object;
    return read_raw_object(reading_, "input", raw.part.text);
  }

  Status failed(Part& part) {
    std::optional<bool> value;
    TG_CHECK(read_boolean(reading_, "is_error", value));
    part.failed = value.value_or(false);
    return {};
  }

  // Of blocks that are refused below, it may be an object.
  Status block_content(Raw& raw) { return in_.peek() == Kind::object ? skip_value(reading_) : content(raw.content); }

  // {"google":{"thought_signature":"..."}}: what our answers carry where Gemini signed a call.
  Status extra_content(Part& part) {
    if (in_.peek() != Kind::object) return skip_value(reading_);
    return read_object(reading_, "extra_content", [&](const std::string& key) -> Status {
      if (key != "google" || in_.peek() != Kind::object) return skip_value(reading_);
      return read_object(reading_, key, [&](const std::string& inner) {
        return inner == "thought_signature" ? read_base64(reading_, inner, part.signature) : skip_value(reading_);
      });
    });
  }

  // {type: base64 | url | text | content | file, ...}
  Status source(Raw& raw) {
    const std::string_view outer = std::exchange(reading_.place.object, "source");
    TG_CHECK(read_object(reading_, "", [&](const std::string& key) -> Status {
      if (key == "type") return read_string(reading_, key, raw.source);
      if (key == "media_type") return read_string(reading_, key, raw.part.media_type);
      if (key == "data") return read_string(reading_, key, raw.part.data);
      if (key == "url") return read_string(reading_, key, raw.part.url);
      return key == "content" ? content(raw.content) : skip_value(reading_);
    }));
    reading_.place.object = outer;
    if (raw.source == "file")
      return only_at_anthropic(reading_.place.path("source"), "a file that the provider keeps: send its content");
    return {};
  }

  // --- what a block becomes ---

  Status finish(Raw raw, Parts& parts) {
    if (raw.type == "text") return add(Part::Kind::text, std::move(raw.part), parts);
    if (raw.type == "image") return add_image(std::move(raw.part), parts);
    if (raw.type == "document") return add_document(std::move(raw), parts);
    if (raw.type == "search_result") return add_search_result(std::move(raw), parts);
    if (raw.type == "thinking") return add(Part::Kind::reasoning, std::move(raw.part), parts);
    if (raw.type == "redacted_thinking") return add_redacted(std::move(raw.part), parts);
    if (raw.type == "tool_use") return add_call(std::move(raw), parts);
    if (raw.type == "tool_result") return add_result(std::move(raw), parts);
    return only_at_anthropic(reading_.place.path("type"), "blocks of type '" + raw.type.substr(0, 64) + "'");
  }

  static Status add(Part::Kind kind, Part part, Parts& parts) {
    part.kind = kind;
    parts.push_back(std::move(part));
    return {};
  }

  Error wanted(std::string_view member) const {
    const std::string path = reading_.place.path(member);
    Error error = invalid_value(path, "Missing required parameter: '" + path + "'. Add it.");
    error.code = "missing_required_parameter";
    return error;
  }

  Status add_image(Part part, Parts& parts) {
    if (part.data.empty() && part.url.empty()) return wanted("source");
    return add(Part::Kind::image, std::move(part), parts);
  }

  // Plain text and content blocks have no place of their own elsewhere: they are said as they are, after their title.
  Status add_document(Raw raw, Parts& parts) {
    if (raw.source == "text") {
      Part& text = raw.content.emplace_back();
      text.text = std::move(raw.part.data);
    }
    if (raw.source == "text" || raw.source == "content") {
      add_heading({raw.title, raw.context}, parts);
      return add_inner(std::move(raw), parts);
    }
    if (raw.part.data.empty() && raw.part.url.empty()) return wanted("source");
    if (!raw.context.empty()) note_lossy(reading_.out.lossy, "messages.content.context");
    raw.part.name = std::move(raw.title);
    if (raw.part.media_type.empty()) raw.part.media_type = "application/pdf";
    return add(Part::Kind::file, std::move(raw.part), parts);
  }

  Status add_search_result(Raw raw, Parts& parts) {
    add_heading({raw.title, raw.origin}, parts);
    return add_inner(std::move(raw), parts);
  }

  static void add_heading(std::initializer_list<std::string_view> lines, Parts& parts) {
    std::string text;
    for (const std::string_view line : lines)
      if (!line.empty()) text.append(line).append("\n");
    if (!text.empty()) parts.emplace_back().text = std::move(text);
  }

  Status add_inner(Raw raw, Parts& parts) {
    TG_CHECK(only_content(raw.content));
    if (!raw.content.empty() && raw.part.cache != CacheMark::none) raw.content.back().cache = raw.part.cache;
    append(parts, std::move(raw.content));
    return {};
  }

  Status only_content(const Parts& parts) const {
    for (const Part& part : parts)
      if (part.kind != Part::Kind::text && part.kind != Part::Kind::image && part.kind != Part::Kind::file)
        return invalid_value(reading_.place.path("content"), "Only text, images and documents may stand in there.");
    return {};
  }

  Status add_redacted(Part part, Parts& parts) {
    if (part.data.empty()) return wanted("data");
    if (!is_base64(part.data)) return invalid_value(reading_.place.path("data"), "'data' is not base64.");
    return add(Part::Kind::reasoning, std::move(part), parts);
  }

  Status add_call(Raw raw, Parts& parts) {
    if (raw.part.id.empty()) return wanted("id");
    if (raw.part.name.empty()) return wanted("name");
    if (!raw.has_input) return wanted("input");
    return add(Part::Kind::tool_call, std::move(raw.part), parts);
  }

  Status add_result(Raw raw, Parts& parts) {
    if (raw.part.id.empty()) return wanted("tool_use_id");
    TG_CHECK(only_content(raw.content));
    raw.part.content = std::move(raw.content);
    return add(Part::Kind::tool_result, std::move(raw.part), parts);
  }

  Reading& reading_;
  JsonReader& in_;
  Turns turns_{reading_, kWords};
};

}  // namespace

Status read_message_list(Reading& reading) { return ContentReader(reading).messages(); }
Status read_system_prompt(Reading& reading) { return ContentReader(reading).system(); }

}  // namespace tollgate::providers
