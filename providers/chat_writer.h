#pragma once
// Writes chat completions that exist in no provider's bytes: chunks in OpenAI's order, and whole bodies (OpenAI API
// reference, chat/completions/object and /streaming). Internal to providers/.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "providers/event.h"

namespace tollgate::providers {

// What every chunk of one completion repeats, as JSON tokens.
struct CompletionHead {
  std::string id;
  std::string created;
  std::string model;
};

// `"` + escaped text + `"`.
void append_json_string(std::string& out, std::string_view text);
// A call's arguments where an object is wanted: a model may write anything, and what is none becomes its member.
std::string arguments_object(const std::string& arguments);
// {"id":...,"object":...,"created":...,"model":...   and no closing brace
void append_head(std::string& out, const CompletionHead& head, std::string_view object);
void append_chat_usage(std::string& out, const Usage& usage);

// Writes an answer from events: piece by piece, or whole at its end.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  // Nothing for kinds without a form in the API.
  virtual void event(const CompletionHead& head, const Event& event, std::string& out) = 0;
  // One piece of text in a choice that somebody else has opened.
  virtual void text(const CompletionHead& head, std::uint32_t choice, std::uint32_t block, Event::Kind kind,
                    std::string_view text, std::string& out) = 0;
  // What follows the last event: the usage chunk, if it was asked for and is known, or the whole body.
  virtual void end(const CompletionHead& head, std::string& out) = 0;
};

// Reasoning that a provider signed, in the form several clients keep and send back: an entry of `thinking_blocks`,
// whole, so that nobody has to put it together. The text is also in reasoning_content, as it comes.
class ThinkingBlocks {
 public:
  void text(std::string_view piece);
  // The entry that `event` (signature or redacted) completes, with an `index` as a delta has one. Empty where the text
  // was too long to be kept: half of it would not match its signature.
  std::string entry(const Event& event, bool with_index);

 private:
  static constexpr std::size_t kMaxText = 1 << 20;
  std::string text_;  // of the block under way
  bool whole_ = true;
  std::uint32_t count_ = 0;
};

class ChunkWriter final : public AnswerWriter {
 public:
  explicit ChunkWriter(bool include_usage) : include_usage_(include_usage) {}

  // One event as one chunk, its choice opened by a role chunk if need be.
  void event(const CompletionHead& head, const Event& event, std::string& out) override;
  void text(const CompletionHead& head, std::uint32_t choice, std::uint32_t block, Event::Kind kind,
            std::string_view text, std::string& out) override;
  void end(const CompletionHead& head, std::string& out) override;

 private:
  struct Choice {
    std::map<std::uint32_t, bool> calls;  // by block: arguments were written
    std::string logprobs;                 // entries for the next chunk
    ThinkingBlocks thinking;
  };
  Choice& open(const CompletionHead& head, std::uint32_t index, std::string& out);
  void chunk(const CompletionHead& head, std::uint32_t choice, std::string_view delta, std::string_view finish_reason,
             std::string& out);
  void begin_call(const CompletionHead& head, const Event& event, std::string& out);
  void sign(const CompletionHead& head, const Event& event, std::string& out);
  void close_calls(const CompletionHead& head, std::uint32_t choice, std::string& out);

  bool include_usage_;
  std::map<std::uint32_t, Choice> choices_;
  Usage usage_;
};

// Collects events until the whole completion can be written.
class BodyWriter final : public AnswerWriter {
 public:
  void event(const CompletionHead& head, const Event& event, std::string& out) override;
  void text(const CompletionHead& head, std::uint32_t choice, std::uint32_t block, Event::Kind kind,
            std::string_view text, std::string& out) override;
  void end(const CompletionHead& head, std::string& out) override;

 private:
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
    std::string signature;
  };
  struct Choice {
    std::optional<std::string> content;
    std::optional<std::string> refusal;
    std::optional<std::string> reasoning;
    ThinkingBlocks thinking;
    std::string thinking_blocks;  // entries, joined
    std::string logprobs;         // the same
    std::map<std::uint32_t, Call> calls;
    std::string finish_reason;
  };
  void sign(const Event& event);
  static void write_choice(std::uint32_t index, const Choice& choice, std::string& out);
  static void write_calls(const Choice& choice, std::string& out);

  std::map<std::uint32_t, Choice> choices_;
  Usage usage_;
};

}  // namespace tollgate::providers
