#pragma once
// Server-Sent Events framing (WHATWG HTML §9.2): bytes in, frames out. No I/O, no JSON.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace tollgate::providers {

// One event that has data. The views live until the parser's next call.
struct SseFrame {
  static constexpr std::size_t kNoOffset = std::string_view::npos;
  std::string_view raw;                 // the event as it came, with its line ends and the empty line
  std::string_view data;                // the data lines, joined with LF
  std::size_t data_offset = kNoOffset;  // where data begins in raw, when there is exactly one data line
};

// A frame whose data came on several lines, written with one. In JSON line ends lie between tokens, where a space says
// the same. `head`: the lines before the data.
struct OneLineFrame {
  std::string bytes;
  std::size_t data_offset = 0;
};
OneLineFrame on_one_line(std::string_view head, std::string_view data);

// Splits a stream into frames wherever it is cut, inside a CRLF or a UTF-8 sequence included: the frames are the same.
// All three line ends and a leading byte order mark are read; events without data (comments, keep-alives) are dropped.
// Linear in the bytes. One per response; not thread-safe.
class SseParser {
 public:
  enum class WithoutData : std::uint8_t { dropped, given };
  // Refuses a frame of more bytes than this, so memory stays bounded whatever the peer sends.
  explicit SseParser(std::size_t max_frame_bytes, WithoutData without_data = WithoutData::dropped)
      : max_(max_frame_bytes), give_all_(without_data == WithoutData::given) {}

  // Append what arrived, then take frames until next() gives none. Invalidates frames.
  std::string& input();
  // nullopt: more bytes are needed. Error (upstream_error): a frame is too long; the parser is then spent.
  Result<std::optional<SseFrame>> next();
  // No more bytes will come: completes a frame whose last CR could have been half of a CRLF. An event without its
  // empty line is incomplete and is discarded, as the standard demands.
  Result<std::optional<SseFrame>> last();
  // What has arrived of the frame under way. Lives until input() or next().
  std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }

 private:
  enum class LineEnd : std::uint8_t { unknown, cr, other };
  enum class Step : std::uint8_t { more, line, frame };
  Step step(bool at_end);
  Result<std::optional<SseFrame>> take(bool at_end);
  void start_of_stream();
  void skip_half_line_end();
  void line(std::string_view text);
  SseFrame frame();
  void reset(std::size_t begin);

  std::size_t max_;
  bool give_all_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the current frame
  std::size_t line_ = 0;     // start of the current line
  std::size_t scanned_ = 0;  // no line end lies in [line_, scanned_)
  bool started_ = false;
  bool after_cr_ = false;             // the previous frame ended with a CR: an LF here is its other half
  LineEnd style_ = LineEnd::unknown;  // how this frame's first line ended
  std::size_t data_lines_ = 0;
  std::size_t data_at_ = 0;
  std::size_t data_length_ = 0;
  std::string joined_;  // used from the second data line on
};

}  // namespace tollgate::providers
