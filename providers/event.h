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
// reasoning. -1 = the provider did not say (of the details of input: in this report, where `input` is without them).
struct Usage {
  std::int64_t input = -1;
  std::int64_t output = -1;
  std::int64_t cached_input = 0;
  std::int64_t cache_write = 0;
  std::int64_t reasoning = 0;
  std::int64_t audio_ms = 0;    // sound that is billed by its length
  std::int64_t compute_us = 0;  // of a model in the gateway: time its engine gave to the call
  bool known() const { return input >= 0 && output >= 0; }
};
// Two reports of one answer: what the later one says counts, what it leaves out stays.
Usage merged(const Usage& before, const Usage& later);

// One thing that happened. `choice` and `block` say where; text kinds carry the decoded text.
struct Event {
  enum class Kind : std::uint8_t {
    start,      // role-only or start-up frame: no content yet
    text,       // assistant text
    refusal,    // refusal text
    reasoning,  // reasoning text (counts as content for the commit point)
    tool_call,  // id and name, once per block
    arguments,  // a piece of a tool call's arguments: JSON text
    logprobs,   // `span` is the value; without a frame, text = entries of OpenAI's `content`, joined by commas.
                // Stripped while PII is being restored, because tokens leak
    finish,     // text = finish reason of that choice
    usage,      // repeatable, absolute
    opaque,     // something no policy reads, such as audio
    done,       // the end marker
    // What a provider wants back unchanged with the next request, so that it knows its own reasoning again. Opaque.
    signature,       // of the reasoning block that has just ended: `block` counts those
    call_signature,  // of the tool call `block`
    redacted,        // a whole reasoning block that only the provider can read
    // Frames of APIs whose answers are built of blocks; those who write another API's form pass over them.
    annotation,  // a text beside the answer's own, whole in itself: what a citation cites, what a provider's tool found
    block_end,   // nothing follows in block `block`: what was held back of it goes before
    embedding,   // of input `choice`: text = its numbers as little-endian float32
  };
  Kind kind = Kind::opaque;
  std::uint32_t choice = 0;
  std::uint32_t block = 0;  // tool call index for tool_call and arguments; reasoning block for the reasoning kinds
  std::string text;
  std::string id;            // tool_call: of the call; finish: the stop sequence that was written, where it is known
  std::optional<Span> span;  // where in Batch::frame the raw JSON value lies: inside the quotes for text kinds
  Usage usage;               // usage only
  // In frames that are edited in place: the text is whole, and most often says again what came in pieces. It is
  // restored by itself, once those pieces are complete, and is not content.
  bool repeats = false;
};

// Something in an answer that no decoder knows: no policy has read what is in it. Only its name is told.
struct Unknown {
  enum class What : std::uint8_t { event, block, member };
  What what = What::event;
  std::string name;  // [a-z0-9_.-]{1,64}, as the provider wrote it but for capitals; or "other"
  friend bool operator==(const Unknown&, const Unknown&) = default;
};
std::string_view to_string(Unknown::What what);

// What one upstream frame (one SSE event with its line ends, or one whole JSON body) decoded to.
// `frame` is empty when the upstream has no wire form (the local model): encoders then write one.
struct Batch {
  std::string frame;
  std::vector<Event> events;
  std::string served_model;  // as the provider names it; may be empty
  bool usage_only =
      false;  // the extra chunk that exists only because we asked for it: dropped where the caller did not
  std::optional<Span> usage_member;    // in frame: the `"usage":null` member with its comma, to strip likewise
  std::optional<Span> model_value;     // in frame: the model string with its quotes
  std::optional<Span> id_value;        // in frame: the completion id with its quotes
  std::optional<Span> created_value;   // in frame: the number
  std::optional<Span> sequence_value;  // in frame: the event's number in its stream, where the API counts
  bool whole_body = false;             // frame is a whole body, not an SSE event
  std::string content_type;            // of a body that is not JSON
  std::vector<Unknown> unknown;        // what stood in the frame unread; each once, a few at most
  static bool is_content(Event::Kind kind) {
    using K = Event::Kind;
    return kind != K::start && kind != K::opaque && kind != K::usage && kind != K::block_end;
  }
  bool has_content() const {
    for (const auto& e : events)
      if (is_content(e.kind) && !e.repeats) return true;
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

}  // namespace tollgate::providers
