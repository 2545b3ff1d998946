// `input` of the Responses API (OpenAI API reference, responses/create) as messages. There, what a model said, thought
// and called are items of their own, and a result may stand anywhere after its call.
#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include "providers/responses_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Part = CanonicalPart;
using Parts = std::vector<Part>;

constexpr int kMaxItems = 16'384;
constexpr std::size_t kMaxParts = 65'536;  // of all items

struct Item {
  std::string type;
  std::string path;  // in error messages
  Role role = Role::user;
  std::string call_id;
  std::string name;
  std::string arguments;
  std::string input;
  std::string encrypted;
  Parts content;
  Parts output;
  Parts summary;
};

// --- parts ---

Result<Part*> add_part(Reading& reading, Parts& parts) {
  if (++reading.parts > kMaxParts)
    return invalid_value("input", "The input has too many parts: at most " + std::to_string(kMaxParts) + " are read.");
  return &parts.emplace_back();
}

// {"mode":"explicit","ttl":"30m"|"12h"}: other APIs keep a prompt for five minutes or an hour.
Status read_breakpoint(Reading& reading, CacheMark& out) {
  if (reading.in.null()) return {};
  std::string ttl;
  TG_CHECK(read_object(reading, "prompt_cache_breakpoint", [&](const std::string& key) {
    return key == "ttl" ? read_string(reading, "prompt_cache_breakpoint.ttl", ttl) : skip_value(reading);
  }));
  out = ttl.empty() ? CacheMark::five_minutes : CacheMark::one_hour;
  return {};
}

Status read_part_member(Reading& reading, const std::string& key, Part& part, std::string& type) {
  if (key == "type") return read_string(reading, key, type);
  if (key == "text" || key == "refusal") return read_string(reading, key, part.text);
  if (key == "image_url" || key == "file_data" || key == "file_url") return read_url(reading, key, part);
  if (key == "detail") return read_string(reading, key, part.detail);
  if (key == "filename") return read_string(reading, key, part.name);
  if (key == "file_id") return read_string(reading, key, part.id);
  if (key == "input_audio") return read_audio(reading, part);
  return key == "prompt_cache_breakpoint" ? read_breakpoint(reading, part.cache) : skip_value(reading);
}

Status settle_part(const Reading& reading, std::string type, Part& part) {
  static constexpr std::pair<std::string_view, Part::Kind> kKinds[] = {
      {"input_text", Part::Kind::text},   {"output_text", Part::Kind::text},    {"text", Part::Kind::text},
      {"summary_text", Part::Kind::text}, {"reasoning_text", Part::Kind::text}, {"refusal", Part::Kind::refusal},
      {"input_image", Part::Kind::image}, {"input_file", Part::Kind::file},     {"input_audio", Part::Kind::audio}};
  part.kind = Part::Kind::unknown;
  for (const auto& [name, kind] : kKinds)
    if (type == name) part.kind = kind;
  if (part.kind == Part::Kind::unknown) part.name = std::move(type);
  if (part.kind == Part::Kind::image && part.url.empty() && part.data.empty())
    return invalid_value(reading.place.path("image_url"),
                         "The provider of this model has no image files of yours: send the image in 'image_url'.");
  return {};
}

Status read_part(Reading& reading, Parts& parts) {
  TG_TRY(Part * part, add_part(reading, parts));
  std::string type;
  TG_CHECK(
      read_object(reading, "", [&](const std::string& key) { return read_part_member(reading, key, *part, type); }));
  return settle_part(reading, std::move(type), *part);
}

// A string, or a list of parts.
Status read_parts(Reading& reading, std::string_view name, Parts& parts) {
  if (reading.in.null()) return {};
  if (reading.in.peek() == Kind::string) {
    TG_TRY(Part * part, add_part(reading, parts));
    return read_string(reading, name, part->text);
  }
  if (reading.in.peek() != Kind::array) return skip_value(reading);  // of an item that is refused for its type
  return read_inner_list(reading, name, [&] { return read_part(reading, parts); });
}

// --- items ---

Status read_role(Reading& reading, Role& role) {
  std::string name;
  TG_CHECK(read_string(reading, "role", name));
  if (name == "assistant") role = Role::assistant;
  if (name == "system" || name == "developer") role = Role::system;
  return {};
}

Status read_text(Reading& reading, const std::string& key, std::string& out) {
  return reading.in.peek() == Kind::string ? read_string(reading, key, out) : skip_value(reading);
}

Status read_item_member(Reading& reading, const std::string& key, Item& item) {
  if (key == "type") return read_string(reading, key, item.type);
  if (key == "role") return read_role(reading, item.role);
  if (key == "content") return read_parts(reading, key, item.content);
  if (key == "output") return read_parts(reading, key, item.output);
  if (key == "summary") return read_parts(reading, key, item.summary);
  if (key == "call_id") return read_string(reading, key, item.call_id);
  if (key == "name") return read_string(reading, key, item.name);
  if (key == "arguments") return read_text(reading, key, item.arguments);
  if (key == "input") return read_text(reading, key, item.input);
  if (key == "encrypted_content") return read_string(reading, key, item.encrypted);
  return skip_value(reading);
}

bool is_call(const Item& item) { return item.type == "function_call" || item.type == "custom_tool_call"; }
bool is_result(const Item& item) {
  return item.type == "function_call_output" || item.type == "custom_tool_call_output";
}

Status check_item(const Item& item) {
  if ((is_call(item) || is_result(item)) && item.call_id.empty())
    return invalid_value(item.path + ".call_id", "'" + item.path + "' needs a 'call_id' that joins call and output.");
  if (is_call(item) && item.name.empty())
    return invalid_value(item.path + ".name", "'" + item.path + "' needs the 'name' of the tool that was called.");
  const bool known = item.type == "message" || item.type == "reasoning" || is_call(item) || is_result(item);
  return known ? Status() : needs_responses_provider(item.path + ".type", "an item of type '" + item.type + "'");
}

Result<std::vector<Item>> read_items(Reading& reading) {
  std::vector<Item> items;
  TG_CHECK(read_list(reading, "input", kMaxItems, [&]() -> Status {
    Item& item = items.emplace_back();
    item.type = "message";  // it may go unsaid
    item.path = reading.place.path("");
    TG_CHECK(read_object(reading, "", [&](const std::string& key) { return read_item_member(reading, key, item); }));
    return check_item(item);
  }));
  return items;
}

// --- items -> messages ---

std::string joined(const Parts& parts) {
  std::string out;
  for (const Part& part : parts) out += part.text;
  return out;
}

// Takes the mark off what we wrote into encrypted_content; false: it is not ours.
bool take_mark(std::string_view mark, std::string_view encrypted, std::string& out) {
  if (!encrypted.starts_with(mark)) return false;
  out = encrypted.substr(mark.size());
  return true;
}

class Transcript {
 public:
  explicit Transcript(CanonicalRequest& out) : out_(out) {}

  Status run(std::vector<Item> items) {
    TG_CHECK(collect_results(items));
    for (Item& item : items) {
      if (item.type == "message")
        message(std::move(item));
      else if (item.type == "reasoning")
        reasoning(item);
      else if (is_call(item))
        call(std::move(item));
      else
        close_turn();
    }
    close_turn();
    return {};
  }

 private:
  // Every call has one result, and every result a call: providers insist on it.
  Status collect_results(std::vector<Item>& items) {
    std::set<std::string_view> calls;
    for (const Item& item : items)
      if (is_call(item)) calls.insert(item.call_id);
    for (Item& item : items) {
      if (!is_result(item)) continue;
      if (!calls.contains(item.call_id))
        return invalid_value(item.path, "No tool call found for the output with call_id '" + item.call_id +
                                            "'. Send the call's item before it, as the answer gave it.");
      results_.try_emplace(item.call_id, std::move(item.output));
    }
    for (const Item& item : items)
      if (is_call(item) && !results_.contains(item.call_id))
        return invalid_value(item.path, "No tool output found for the call '" + item.call_id +
                                            "'. Add an item with its output and the same call_id.");
    return {};
  }

  CanonicalMessage& add(Role role) {
    out_.messages.emplace_back().role = role;
    return out_.messages.back();
  }

  // What a model wrote without a pause is one message.
  Parts& turn() {
    if (!open_) add(Role::assistant);
    open_ = true;
    return out_.messages.back().parts;
  }

  // Results go right after the calls, in their order.
  void close_turn() {
    open_ = false;
    for (const std::string& id : std::exchange(calls_, {})) {
      Part result;
      result.kind = Part::Kind::tool_result;
      result.id = id;
      result.content = results_[id];
      for (const Part& part : result.content)
        if (part.cache != CacheMark::none) result.cache = part.cache;
      add(Role::tool).parts.push_back(std::move(result));
    }
  }

  void message(Item item) {
    if (item.role != Role::assistant) {
      close_turn();
      add(item.role).parts = std::move(item.content);
      return;
    }
    Parts& parts = turn();
    parts.insert(parts.end(), std::make_move_iterator(item.content.begin()),
                 std::make_move_iterator(item.content.end()));
  }

  void reasoning(const Item& item) {
    Part part;
    part.kind = Part::Kind::reasoning;
    part.text = joined(item.summary.empty() ? item.content : item.summary);
    std::string of_call;
    if (take_mark(kSignedCall, item.encrypted, of_call)) return sign_call(of_call);
    const bool ours = take_mark(kSignedReasoning, item.encrypted, part.signature) ||
                      take_mark(kRedactedReasoning, item.encrypted, part.data);
    if (!ours && (!item.encrypted.empty() || part.text.empty())) note_lossy(out_.lossy, "input.reasoning");
    if (ours || !part.text.empty()) turn().push_back(std::move(part));
  }

  void sign_call(std::string_view marked) {
    const auto colon = marked.find(':');
    if (!open_ || colon == std::string_view::npos) return;
    for (Part& part : out_.messages.back().parts)
      if (part.kind == Part::Kind::tool_call && part.id == marked.substr(colon + 1))
        part.signature = marked.substr(0, colon);
  }

  void call(Item item) {
    Part part;
    part.kind = Part::Kind::tool_call;
    part.id = item.call_id;
    part.name = std::move(item.name);
    if (item.type == "custom_tool_call") {
      part.text = "{\"" + std::string(kCustomInput) + "\":\"";
      append_json_escaped(part.text, item.input);
      part.text += "\"}";
    } else {
      part.text = argument_object(std::move(item.arguments), "arguments", out_.lossy);
    }
    if (std::find(calls_.begin(), calls_.end(), item.call_id) == calls_.end()) calls_.push_back(item.call_id);
    turn().push_back(std::move(part));
  }

  CanonicalRequest& out_;
  std::map<std::string, Parts> results_;  // by call id
  std::vector<std::string> calls_;        // of the turn under way
  bool open_ = false;                     // the last message is the model's, and may go on
};

}  // namespace

Status read_input_items(Reading& reading) {
  if (reading.in.peek() == Kind::string) {
    reading.out.messages.emplace_back().parts.emplace_back().text = reading.in.decode(reading.in.string());
    return {};
  }
  TG_TRY(auto items, read_items(reading));
  return Transcript(reading.out).run(std::move(items));
}

}  // namespace tollgate::providers
