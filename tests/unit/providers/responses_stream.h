#pragma once
// What every stream of the Responses API keeps (OpenAI API reference, responses/streaming), for tests and fuzzing.
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::providers::testing {

using Json = nlohmann::ordered_json;

// The events of a stream written here: "event: TYPE", "data: {...}", an empty line.
inline std::vector<Json> events_of(std::string_view stream) {
  std::vector<Json> out;
  while (!stream.empty()) {
    const auto end = stream.find("\n\n");
    const auto frame = stream.substr(0, end);
    const auto data = frame.find("\ndata: ");
    if (end == std::string_view::npos || !frame.starts_with("event: ") || data == std::string_view::npos)
      throw std::runtime_error("not a frame: " + std::string(frame));
    out.push_back(Json::parse(frame.substr(data + 7)));
    if (out.back().at("type") != frame.substr(7, data - 7))
      throw std::runtime_error("two names: " + std::string(frame));
    stream.remove_prefix(end + 2);
  }
  return out;
}

// Empty, or what is wrong with the stream.
class StreamCheck {
 public:
  std::string run(const std::vector<Json>& events) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].at("sequence_number") != i) return "sequence numbers are not dense";
      if (const std::string wrong = event(i, events[i]); !wrong.empty()) return wrong + ": " + events[i].dump();
    }
    return ended_ ? "" : "no end";
  }

 private:
  struct Item {
    Json added;
    std::vector<std::string> parts;  // the deltas of each part, joined
    std::string arguments;
    bool done = false;
  };

  std::string event(std::size_t i, const Json& e) {
    const std::string type = e.at("type");
    if (ended_) return "something follows the end";
    if (i == 0 || i == 1) return type == (i == 0 ? "response.created" : "response.in_progress") ? "" : "a wrong start";
    if (type == "error") return failed_ = true, "";
    if (type == "response.output_item.added") return added(e);
    if (type == "response.output_item.done") return done(e);
    if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") return end(type, e);
    return inside(type, e);
  }

  std::string added(const Json& e) {
    if (e.at("output_index") != items_.size()) return "output indices are not dense";
    items_.push_back({e.at("item"), {}, {}, false});
    if (!ids_.insert(e.at("item").at("id").get<std::string>()).second) return "an id comes twice";
    return "";
  }

  std::string inside(const std::string& type, const Json& e) {
    const std::size_t at = e.at("output_index");
    if (at >= items_.size()) return "an item that was not added";
    Item& item = items_[at];
    if (item.done) return "an item that is done";
    if (e.at("item_id") != item.added.at("id")) return "the id of another item";
    if (type.starts_with("response.function_call_arguments") || type.starts_with("response.custom_tool_call_input"))
      return argument(type, e, item);
    const std::size_t part = e.contains("summary_index") ? e.at("summary_index") : e.at("content_index");
    if (type.ends_with("part.added")) {
      if (part != item.parts.size()) return "part indices are not dense";
      item.parts.emplace_back();
      return "";
    }
    if (part + 1 != item.parts.size()) return "not the part under way";
    if (type.ends_with(".delta")) item.parts[part] += e.at("delta").get<std::string>();
    const char* name = type == "response.refusal.done" ? "refusal" : "text";
    if (type.ends_with("text.done") || type == "response.refusal.done")
      return e.at(name) == item.parts[part] ? "" : "the whole is not its pieces";
    if (type.ends_with("part.done"))
      return e.at("part").at(e.at("part").contains("refusal") ? "refusal" : "text") == item.parts[part] ? "" : "part";
    return type.ends_with(".delta") ? "" : "an unknown event";
  }

  static std::string argument(const std::string& type, const Json& e, Item& item) {
    if (type.ends_with(".delta")) return item.arguments += e.at("delta").get<std::string>(), "";
    return e.at(e.contains("input") ? "input" : "arguments") == item.arguments ? "" : "the whole is not its pieces";
  }

  std::string done(const Json& e) {
    const std::size_t at = e.at("output_index");
    if (at >= items_.size() || items_[at].done) return "done twice, or never added";
    const Json& item = e.at("item");
    items_[at].done = true;
    done_[at] = item;
    if (item.at("id") != items_[at].added.at("id") || item.at("type") != items_[at].added.at("type")) return "another";
    for (const char* list : {"content", "summary"})
      if (item.contains(list) && item.at(list).size() != items_[at].parts.size()) return "another number of parts";
    if (item.contains("arguments") && item.at("arguments") != items_[at].arguments) return "other arguments";
    return "";
  }

  std::string end(const std::string& type, const Json& e) {
    ended_ = true;
    const Json& response = e.at("response");
    if ("response." + response.at("status").get<std::string>() != type) return "another status";
    if ((type == "response.failed") != failed_) return "an error without its failure, or the reverse";
    if (failed_) return response.at("error").at("message").is_string() ? "" : "no message";
    if (response.at("output").size() != items_.size()) return "items are missing";
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (!items_[i].done || response.at("output")[i] != done_[i]) return "an item differs at the end";
    return "";
  }

  std::vector<Item> items_;
  std::map<std::size_t, Json> done_;
  std::set<std::string> ids_;
  bool failed_ = false;
  bool ended_ = false;
};

inline std::string what_is_wrong(std::string_view stream) { return StreamCheck().run(events_of(stream)); }

}  // namespace tollgate::providers::testing
