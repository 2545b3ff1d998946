#pragma once
// Writes messages that exist in no provider's bytes: streams in Anthropic's order, one block open at a time, and whole
// bodies (Anthropic API reference: messages, streaming). Internal to providers/.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/event.h"

namespace tollgate::providers {

// What a message says of itself, as texts.
struct MessageHead {
  std::string id;
  std::string model;
};

// Why the model stopped, and what it cost: known at the end.
class MessageEnd {
 public:
  void note(const Event& event);  // finish, usage; others are passed over
  void called() { called_ = true; }
  void refused() { refused_ = true; }
  // "stop_reason":...,"stop_sequence":...
  std::string reason() const;
  // The usage object.
  std::string usage() const;

 private:
  std::string reason_;  // in OpenAI's words
  std::string stop_sequence_;
  Usage usage_;
  bool called_ = false;
  bool refused_ = false;
};

// One content block as it grows.
struct MessageBlock {
  enum class Type : std::uint8_t { text, thinking, redacted, call };
  Type type = Type::text;
  std::uint32_t number = 0;  // of the events it is made of
  std::string text;          // redacted: the data; call: the arguments
  std::string id;
  std::string name;
  std::string signature;
};

// The events of a stream. Only choice 0 is written: a message has no other. The head must outlive it.
class MessageStream {
 public:
  explicit MessageStream(const MessageHead& head) : head_(head) {}

  // All of a batch, because a call's signature has to be known when its block opens.
  void events(const std::vector<Event>& events, std::string& out);
  void text(const Event& event, std::string& out);
  // Everything that is still to be said, and the end.
  void end(std::string& out);

 private:
  void event(const Event& event, const std::vector<Event>& beside, std::string& out);
  void begin(std::string& out);
  void open(MessageBlock block, std::string& out);
  void piece(std::string_view type, std::string_view member, std::string_view text, std::string& out) const;
  void close(std::string& out);
  void write_waiting(std::string& out);
  void call(MessageBlock block, std::string& out);
  void arguments(const Event& event, std::string& out);
  void sign(const Event& event, std::string& out);

  const MessageHead& head_;
  MessageEnd end_;
  bool begun_ = false;
  std::uint32_t index_ = 0;  // of the open block, or of the next
  std::optional<MessageBlock> open_;
  // Calls that began while another was open. It may still go on: some providers interleave.
  std::vector<MessageBlock> waiting_;
};

// Collects events until the whole message can be written. The head must outlive it.
class MessageBody {
 public:
  explicit MessageBody(const MessageHead& head) : head_(head) {}

  void events(const std::vector<Event>& events);
  void text(const Event& event);
  void write(std::string& out) const;

 private:
  void event(const Event& event);
  MessageBlock& last(MessageBlock::Type type, std::uint32_t number);
  MessageBlock* call(std::uint32_t number);

  const MessageHead& head_;
  std::vector<MessageBlock> blocks_;
  MessageEnd end_;
};

// The frame of one piece for a block that a provider's own frames have opened. Empty for kinds that have no text.
std::string message_delta_frame(std::uint32_t index, Event::Kind kind, std::string_view text);

}  // namespace tollgate::providers
