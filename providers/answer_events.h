#pragma once
// From what a provider's answer says, block by block, to events: numbering, names, ends. Pure. Internal to providers/.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "providers/dialect.h"

namespace tollgate::providers {

// "text/event-stream", whatever parameters follow.
bool is_event_stream(std::string_view content_type);

// One per choice of an answer. Pieces that are empty make no event.
class AnswerEvents {
 public:
  explicit AnswerEvents(const AnswerContext& context, std::uint32_t choice = 0) : context_(context), choice_(choice) {}

  void start(Batch& batch);
  void text(std::string piece, Batch& batch);
  void reasoning(std::string piece, Batch& batch);
  // A piece of the proof of the reasoning block under way; it goes out when the block ends.
  void signature(std::string_view piece) { signature_ += piece; }
  void redacted(std::string data, Batch& batch);
  // `number` is the provider's: it counts all kinds of blocks.
  void begin_call(std::uint32_t number, std::string id, const std::string& name, Batch& batch);
  void arguments(std::uint32_t number, std::string piece, Batch& batch);
  void sign_call(std::uint32_t number, std::string signature, Batch& batch);
  // A block of any kind ended.
  void end_block(Batch& batch);
  // `reason` is OpenAI's word for it; "stop" becomes "tool_calls" when there were calls.
  // `stop_sequence`: the one that was written, where the provider says so.
  void finish(std::string_view reason, Batch& batch, std::string stop_sequence = {});
  bool finished() const { return finished_; }
  std::uint32_t calls() const { return static_cast<std::uint32_t>(calls_.size()); }

 private:
  Event& add(Event::Kind kind, Batch& batch) const;

  const AnswerContext& context_;
  std::uint32_t choice_;
  std::map<std::uint32_t, std::uint32_t> calls_;  // by the provider's number: ours
  std::optional<std::uint32_t> answer_;           // the call that is the answer's text, by the provider's number
  std::uint32_t reasoning_blocks_ = 0;
  std::string signature_;
  bool finished_ = false;
};

// The whole body of a plain answer, decoded when it is there.
class WholeBodyDecoder : public AnswerDecoder {
 public:
  std::string& input() final { return body_; }
  Result<std::optional<Batch>> next() final;
  Result<std::optional<Batch>> end() final;

 protected:
  virtual Result<Batch> decode(const std::string& body) = 0;  // without the done event

 private:
  std::string body_;
  bool decoded_ = false;
};

}  // namespace tollgate::providers
