#pragma once
// Writes messages that exist in no provider's bytes: streams with one block open at a time, and whole bodies, of APIs
// whose answers are built of blocks (Anthropic API reference: messages, streaming; Amazon Bedrock API reference:
// ConverseStream). Internal to providers/.
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
  // In Anthropic's words: "end_turn", "tool_use", "max_tokens", "stop_sequence" or "refusal".
  std::string_view word() const;
  const std::string& stop_sequence() const { return stop_sequence_; }
  const Usage& usage() const { return usage_; }

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

// How an API writes its blocks. Appends to `out`.
class BlockForm {
 public:
  virtual ~BlockForm() = default;
  virtual std::string_view call_id_prefix() const = 0;  // of ids for calls that came without one
  // A stream, in this order: begin, then open, pieces and close of each block, then end.
  virtual void begin(std::string& out) const = 0;
  // A sealed block is told whole here; others begin without their content.
  virtual void open(std::uint32_t index, const MessageBlock& block, std::string& out) const = 0;
  virtual void piece(std::uint32_t index, Event::Kind kind, std::string_view text, std::string& out) const = 0;
  virtual void close(std::uint32_t index, std::string& out) const = 0;
  virtual void end(const MessageEnd& end, std::string& out) const = 0;
  // The whole, in one.
  virtual void body(const std::vector<MessageBlock>& blocks, const MessageEnd& end, std::string& out) const = 0;
};

// Anthropic's. The head must outlive it.
class MessagesForm final : public BlockForm {
 public:
  explicit MessagesForm(const MessageHead& head) : head_(head) {}
  std::string_view call_id_prefix() const override { return "toolu_"; }
  void begin(std::string& out) const override;
  void open(std::uint32_t index, const MessageBlock& block, std::string& out) const override;
  void piece(std::uint32_t index, Event::Kind kind, std::string_view text, std::string& out) const override;
  void close(std::uint32_t index, std::string& out) const override;
  void end(const MessageEnd& end, std::string& out) const override;
  void body(const std::vector<MessageBlock>& blocks, const MessageEnd& end, std::string& out) const override;

 private:
  const MessageHead& head_;
};

// The events of a stream. Only choice 0 is written: a message has no other. The form and the id must outlive it.
class MessageStream {
 public:
  MessageStream(const BlockForm& form, const std::string& id) : form_(form), id_(id) {}

  // All of a batch, because a call's signature has to be known when its block opens.
  void events(const std::vector<Event>& events, std::string& out);
  void text(const Event& event, std::string& out);
  // Everything that is still to be said, and the end.
  void end(std::string& out);

 private:
  void event(const Event& event, const std::vector<Event>& beside, std::string& out);
  void begin(std::string& out);
  void open(MessageBlock block, std::string& out);
  void close(std::string& out);
  void write_waiting(std::string& out);
  void call(MessageBlock block, std::string& out);
  void arguments(const Event& event, std::string& out);
  void sign(const Event& event, std::string& out);

  const BlockForm& form_;
  const std::string& id_;
  MessageEnd end_;
  bool begun_ = false;
  std::uint32_t index_ = 0;  // of the open block, or of the next
  std::optional<MessageBlock> open_;
  // Calls that began while another was open. It may still go on: some providers interleave.
  std::vector<MessageBlock> waiting_;
};

// Collects events until the whole message can be written. The form and the id must outlive it.
class MessageBody {
 public:
  MessageBody(const BlockForm& form, const std::string& id) : form_(form), id_(id) {}

  void events(const std::vector<Event>& events);
  void text(const Event& event);
  void write(std::string& out) const { form_.body(blocks_, end_, out); }

 private:
  void event(const Event& event);
  MessageBlock& last(MessageBlock::Type type, std::uint32_t number);
  MessageBlock* call(std::uint32_t number);

  const BlockForm& form_;
  const std::string& id_;
  std::vector<MessageBlock> blocks_;
  MessageEnd end_;
};

}  // namespace tollgate::providers
