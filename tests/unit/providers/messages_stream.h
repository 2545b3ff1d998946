#pragma once
// What every stream of the Messages API keeps (Anthropic API reference, streaming), for tests and fuzzing.
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::providers::testing {

using Json = nlohmann::ordered_json;

// The events of a stream written here: "event: TYPE", "data: {...}", an empty line.
inline std::vector<Json> message_events(std::string_view stream) {
  std::vector<Json> out;
  while (!stream.empty()) {
    const auto end = stream.find("\n\n");
    const auto frame = stream.substr(0, end);
    const auto data = frame.find("\ndata: ");
    if (end == std::string_view::npos || !frame.starts_with("event: ") || data == std::string_view::npos)
      throw std::runtime_error("not a frame: " + std::string(frame));
    out.push_back(Json::parse(frame.substr(data + 7)));
    if (out.back().at("type") != frame.substr(7, data - 7)) throw std::runtime_error("two names");
    stream.remove_prefix(end + 2);
  }
  return out;
}

// Puts a message together as the vendor's SDKs do. Throws where an event is out of place.
class MessageSnapshot {
 public:
  void event(const Json& e) {
    const std::string type = e.at("type");
    if (ended_) fail("something follows the end");
    if (type == "message_start") return start(e);
    if (message_.is_null()) fail(type + " before message_start");
    if (type == "content_block_start") return open(e);
    if (type == "content_block_delta") return delta(e.at("delta"), e.at("index"));
    if (type == "content_block_stop") return close(e.at("index"));
    if (type == "message_delta") return message_delta(e);
    if (type == "message_stop") return stop();
    if (type != "ping") fail("unknown event " + type);
  }

  // REQUIRES: the stream has ended
  const Json& message() const {
    if (!ended_) fail("no end");
    return message_;
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw std::runtime_error(what); }

  void start(const Json& e) {
    if (!message_.is_null()) fail("two starts");
    message_ = e.at("message");
    if (message_.at("content") != Json::array() || !message_.at("stop_reason").is_null()) fail("not a start");
  }

  void open(const Json& e) {
    if (open_ || e.at("index") != message_["content"].size()) fail("a block opens out of turn");
    message_["content"].push_back(e.at("content_block"));
    open_ = true;
    arguments_.clear();
  }

  void delta(const Json& d, std::size_t index) {
    if (!open_ || index + 1 != message_["content"].size()) fail("a delta of no open block");
    Json& block = message_["content"].back();
    const std::string type = d.at("type");
    const std::string kind = block.at("type");
    if (type == "text_delta" && kind == "text")
      append(block["text"], d.at("text"));
    else if (type == "thinking_delta" && kind == "thinking")
      append(block["thinking"], d.at("thinking"));
    else if (type == "signature_delta" && kind == "thinking")
      block["signature"] = d.at("signature");
    else if (type == "input_json_delta" && kind == "tool_use")
      arguments_ += d.at("partial_json").get<std::string>();
    else
      fail(type + " in a block of " + kind);
  }

  static void append(Json& to, const std::string& piece) { to = to.get<std::string>() + piece; }

  void close(std::size_t index) {
    if (!open_ || index + 1 != message_["content"].size()) fail("a block closes out of turn");
    Json& block = message_["content"].back();
    if (block.at("type") == "tool_use" && !arguments_.empty()) {
      Json input = Json::parse(arguments_, nullptr, false);
      block["input"] = input.is_object() ? input : Json{{"arguments", arguments_}};
    }
    open_ = false;
  }

  void message_delta(const Json& e) {
    if (open_) fail("the message ends in a block");
    message_["stop_reason"] = e.at("delta").at("stop_reason");
    message_["stop_sequence"] = e.at("delta").at("stop_sequence");
    message_["usage"] = e.at("usage");
  }

  void stop() {
    if (message_.at("stop_reason").is_null()) fail("no reason");
    ended_ = true;
  }

  Json message_;
  bool open_ = false;
  bool ended_ = false;
  std::string arguments_;
};

inline Json message_of(std::string_view stream) {
  MessageSnapshot snapshot;
  for (const Json& event : message_events(stream)) snapshot.event(event);
  return snapshot.message();
}

}  // namespace tollgate::providers::testing
