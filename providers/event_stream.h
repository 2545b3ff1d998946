#pragma once
// The binary framing of AWS event streams (application/vnd.amazon.eventstream): bytes in, messages out. No I/O, no
// JSON.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace tollgate::providers {

inline constexpr std::string_view kEventStream = "application/vnd.amazon.eventstream";

// One message. The views live until the parser's next call. Headers that are not text are checked and left out.
struct EventMessage {
  std::string_view message_type;    // ":message-type": "event", "exception" or "error"
  std::string_view event_type;      // ":event-type"
  std::string_view exception_type;  // ":exception-type"
  std::string_view error_code;      // ":error-code"
  std::string_view error_message;   // ":error-message"
  std::string_view payload;
  std::string_view raw;  // all of it
};

// Splits a stream into messages wherever it is cut. Both checksums are verified, the prelude's before its lengths are
// believed: after a fault the stream cannot be found again, so every error is final. Linear in the bytes. One per
// response; not thread-safe.
class EventStreamParser {
 public:
  static constexpr std::size_t kMaxMessage = 16 * 1024 * 1024;  // the limit of AWS's own readers
  static constexpr std::size_t kMaxHeaders = 128 * 1024;

  // Append what arrived, then take messages until next() gives none. Invalidates messages.
  std::string& input();
  // nullopt: more bytes are needed. Error: upstream_error.
  Result<std::optional<EventMessage>> next();
  // Nothing of an unfinished message is there.
  bool at_boundary() const { return begin_ == buffer_.size(); }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;  // of the current message
  bool broken_ = false;
};

// The parts of a message that a parser has given out as `raw`. REQUIRES: it is one
EventMessage read_event_message(std::string_view raw);

// A message with a JSON payload. `kind` is "event" or "exception", `type` its name, such as "messageStop".
std::string encode_event_message(std::string_view kind, std::string_view type, std::string_view payload);
// The same message with another payload. REQUIRES: a parser has given it out as `raw`
std::string with_payload(std::string_view raw, std::string_view payload);

// kEventStream, whatever parameters follow.
bool is_aws_event_stream(std::string_view content_type);

// CRC-32 as in zlib and PNG (reflected 0xEDB88320).
std::uint32_t crc32(std::string_view bytes);

}  // namespace tollgate::providers
