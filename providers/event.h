#pragma once
// What an upstream says, in the terms every dialect shares. Inbound and outbound dialects meet here: N + M files.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "providers/call.h"

namespace tollgate::providers {

// Token classes, disjoint where billing needs it: input includes cached_input and cache_write; output includes
// reasoning. -1 = the provider did not say.
struct Usage {
  std::int64_t input = -1;
  std::int64_t output = -1;
  std::int64_t cached_input = 0;
  std::int64_t cache_write = 0;
  std::int64_t reasoning = 0;
  bool known() const { return input >= 0 && output >= 0; }
};

// One thing that happened. `choice` and `block` say where; text kinds carry the decoded text.
struct Event {
  enum class Kind : std::uint8_t {
    start,      // role-only or start-up frame: no content yet
    text,       // assistant text
    refusal,    // refusal text
    reasoning,  // reasoning text (counts as content for the commit point)
    tool_call,  // id and name, once per block
    arguments,  // a piece of a tool call's arguments: JSON text
    logprobs,   // `span` is the value; stripped while PII is being restored, because tokens leak
    finish,     // text = finish reason of that choice
    usage,      // repeatable, absolute
    opaque,     // something no policy reads, such as audio
    done,       // the end marker
    // What a provider wants back unchanged with the next request, so that it knows its own reasoning again. Opaque.
    signature,       // of the reasoning block that has just ended: `block` counts those
    call_signature,  // of the tool call `block`
    redacted,        // a whole reasoning block that only the provider can read
  };
  Kind kind = Kind::opaque;
  std::uint32_t choice = 0;
  std::uint32_t block = 0;  // tool call index for tool_call and arguments; reasoning block for the reasoning kinds
  std::string text;
  std::string id;            // tool_call only
  std::optional<Span> span;  // where in Batch::frame the raw JSON value lies: inside the quotes for text kinds
  Usage usage;               // usage only
};

// What one upstream frame (one SSE event with its line ends, or one whole JSON body) decoded to.
// `frame` is empty when the upstream has no wire form (the local model): encoders then write one.
struct Batch {
  std::string frame;
  std::vector<Event> events;
  std::string served_model;  // as the provider names it; may be empty
  bool usage_only =
      false;  // the extra chunk that exists only because we asked for it: dropped where the caller did not
  std::optional<Span> usage_member;   // in frame: the `"usage":null` member with its comma, to strip likewise
  std::optional<Span> model_value;    // in frame: the model string with its quotes
  std::optional<Span> id_value;       // in frame: the completion id with its quotes
  std::optional<Span> created_value;  // in frame: the number
  bool whole_body = false;            // frame is a JSON body, not an SSE event
  bool has_content() const {
    for (const auto& e : events)
      if (e.kind != Event::Kind::start && e.kind != Event::Kind::opaque) return true;
    return false;
  }
};

// Decodes the data of one SSE event of a chat stream (OpenAI dialect) whose raw bytes are `frame`. `data_offset` is
// where `data` begins in the frame when the frame has exactly one data line, else npos (then Batch::frame is rebuilt
// with one data line). `data` may be a view into `frame`.
// Errors: upstream_error for garbage and for an error object inside the stream (with its message).
Result<Batch> decode_chat_event(std::string frame, std::string_view data, std::size_t data_offset);

// Decodes a whole chat completion.
Result<Batch> decode_chat_response(std::string body);

// Turns a provider's error reply into ours: kind by status, retry_after from retry-after-ms and retry-after (seconds or
// HTTP-date; clamped to [0, 1 h]), the body kept in Error::upstream_body only where the caller may see it (400, 404,
// 413, 422: they speak about the caller's request; 401 and 403 speak about our credentials and become 502), and only if
// it has all four keys of OpenAI's error object. `date` is the reply's Date header: an HTTP-date in retry-after is
// counted from it (no clock of ours is involved) and is ignored without it.
Error decode_error_reply(int status, std::string_view body, std::string_view retry_after_ms,
                         std::string_view retry_after, std::string_view date = {});

struct EncoderOptions {
  bool stream = false;
  bool include_usage = false;   // the caller asked for it
  std::string completion_id;    // used when frames are written here: "chatcmpl-..."
  std::int64_t created = 0;     // Unix seconds
  std::string model;            // the name the caller used; frames of a provider keep the name they came with
  bool strip_logprobs = false;  // logprobs leak tokens: set while PII is being restored
};

// Writes events to an OpenAI client. Frames of the same dialect are edited in place: untouched bytes stay untouched.
// One per response; not thread-safe.
class ChatEncoder {
 public:
  explicit ChatEncoder(EncoderOptions options);
  ~ChatEncoder();
  ChatEncoder(ChatEncoder&&) noexcept;

  // An event whose `text` was changed after decoding (restored) is written with the new text. `changed[i]` says so for
  // events[i]; empty = none. Appends client bytes to `out`. For plain calls nothing is written before finish() unless
  // the batch carries a whole body.
  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out);
  // A piece of text that belongs to no frame of its own (held back by restore, now certain).
  void write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text, std::string& out);
  // The proper end: the end marker on streams, the assembled body on plain calls without a frame.
  void finish(std::string& out);
  // After headers have gone: an error event in the caller's dialect; never a false "done".
  void fail(const Error& error, std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// {"error":{...}} with all four keys; the body of every refusal (OpenAI dialect). Error::upstream_body, where it is
// set, is that body already and is returned as it is. On a rate limit, param "tokens" or "requests" says which limit it
// was: it chooses the type and is null on the wire.
std::string encode_error_body(const Error& error);
// OpenAI's `type` for our kind: "invalid_request_error", "requests", "insufficient_quota", ...
std::string_view openai_error_type(const Error& error);

struct ModelEntry {
  std::string id;
  std::int64_t created = 0;  // Unix seconds
  std::string owned_by;
};
std::string encode_model_list(const std::vector<ModelEntry>& models);
std::string encode_model(const ModelEntry& model);

}  // namespace tollgate::providers
