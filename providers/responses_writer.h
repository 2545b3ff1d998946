#pragma once
// Writes Responses answers that exist in no provider's bytes: the typed event stream in api.openai.com's order, and
// whole bodies (OpenAI API reference, responses/object and /streaming). Internal to providers/.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/responses_object.h"

namespace tollgate::providers {

// One per answer. Output items are written one after the other: each is closed before the next begins, but for calls
// whose arguments a provider sends interleaved.
class ResponsesWriter {
 public:
  ResponsesWriter(ResponseHead head, bool stream) : head_(std::move(head)), stream_(stream) {}

  void event(const Event& event, std::string& out);
  // The end: the last event, or the whole body.
  void finish(std::string& out);
  // Streams only: an `error` event, then response.failed, as api.openai.com does.
  void fail(const Error& error, std::string& out);
  // The stream was begun by somebody else, under this id, and its next event has this number.
  void take_over(std::string id, std::uint64_t sequence);

 private:
  using Type = OutputItem::Type;
  using Status = OutputItem::Status;

  template <class Members>
  void emit(std::string_view type, std::string& out, const Members& members);
  ResponseState state(std::string_view status) const;
  void emit_response(std::string_view type, const ResponseState& state, std::string& out);
  void begin(std::string& out);
  std::size_t open(Type type, std::string& out);
  void announce(std::size_t at, std::string& out);
  void text(const Event& event, std::string& out);
  void begin_part(std::size_t at, bool refusal, std::string& out);
  void end_part(std::size_t at, std::string& out);
  void sign(const Event& event, std::string& out);
  void carry(std::string encrypted, std::string& out);
  void begin_call(const Event& event, std::string& out);
  void arguments(const Event& event, std::string& out);
  void say_arguments(std::size_t at, std::string_view piece, std::string& out);
  void sign_call(const Event& event, std::string& out);
  void end_call(std::size_t at, std::string& out);
  void end_text(Status status, std::string& out);
  void end_complete_calls(std::string& out);
  void end_item(std::size_t at, Status status, std::string& out);
  void end_all(std::string& out);

  ResponseHead head_;
  bool stream_;
  std::uint64_t sequence_ = 0;
  bool begun_ = false;
  std::vector<OutputItem> items_;
  std::optional<std::size_t> text_item_;        // the message or the reasoning under way
  std::uint32_t reasoning_block_ = 0;           // of text_item_
  std::map<std::uint32_t, std::size_t> calls_;  // by block
  std::string finish_reason_;
  Usage usage_;
};

}  // namespace tollgate::providers
