#pragma once
// The chunked transfer coding (RFC 9112 §7.1), written, and read strictly: hexadecimal size, no white space around it,
// CRLF only.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace tollgate::net {

// One byte of framing is one step of a state machine, so the outcome cannot depend on where the bytes were cut.
// Extensions are checked and discarded, and so are trailers unless they are wanted. Errors: payload_too_large,
// headers_too_large (extensions and trailers together over 8 KiB), invalid_request; after one, every put() is an error.
class ChunkDecoder {
 public:
  enum class Trailers : std::uint8_t { discarded, kept };
  explicit ChunkDecoder(std::uint64_t max_body_bytes = std::numeric_limits<std::uint64_t>::max(),
                        Trailers trailers = Trailers::discarded)
      : keep_trailers_(trailers == Trailers::kept), room_(max_body_bytes) {}

  // Takes a prefix of `bytes` (all of it until done), appends the decoded bytes, returns how many it took.
  Result<std::size_t> put(std::string_view bytes, std::string& out);
  bool done() const { return state_ == State::done; }
  // First trailer of that name, case-insensitively; empty when absent, not kept, or not yet complete.
  std::string_view trailer(std::string_view name) const;

 private:
  enum class State : std::uint8_t {
    size_start,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    line_start,  // after the last chunk: a trailer field or the blank line
    name,
    value,
    value_lf,
    end_lf,
    done,
    failed,
  };
  // An Error is built once, at the end: making one for every byte of framing costs more than reading it.
  enum class Fault : std::uint8_t { none, size, digits, extension, line_end, trailer, body_limit, discard_limit };

  static Error error(Fault fault);
  Fault step(char c);
  Fault step_size(char c);
  Fault step_extension(char c);
  Fault step_trailer(char c);
  Fault end_of_size();
  Fault expect(char c, char wanted, State next);
  Fault discard();
  std::size_t take_data(std::string_view bytes, std::string& out);

  bool keep_trailers_;
  State state_ = State::size_start;
  Fault fault_ = Fault::none;
  std::uint64_t room_;           // of the body limit
  std::uint64_t size_ = 0;       // of the current chunk, then what is left of it
  int digits_ = 0;               // of the current size
  std::uint32_t extension_ = 0;  // bytes of the current extension
  std::uint32_t discarded_ = 0;  // bytes of all extensions and trailers, without line ends
  std::string trailers_;         // as received, the blank line included
};

// What stands around one chunk (RFC 9112 §7.1). For an empty chunk both parts are empty, because a chunk of size 0
// would end the body.
class ChunkFrame {
 public:
  explicit ChunkFrame(std::size_t size);
  std::string_view size_line() const { return {line_.data(), length_}; }
  std::string_view end() const { return length_ == 0 ? std::string_view() : std::string_view("\r\n"); }

 private:
  std::array<char, 20> line_{};
  std::size_t length_ = 0;
};

// After it come the trailers, each with its line end, and a blank line.
inline constexpr std::string_view kLastChunkLine = "0\r\n";
// Of a body without trailers.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace tollgate::net
