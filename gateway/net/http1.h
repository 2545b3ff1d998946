#pragma once
// HTTP/1.1 framing as bytes in, values out (RFC 9112). No sockets. Strict: what two parsers could read differently is
// refused. Boost.Beast reads everything that is accepted here in the tests, and must agree
// (docs/decisions/0003-own-http1-framing.md says why it does not read it here).
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/chunked.h"

namespace tollgate::net {

struct HttpLimits {
  std::size_t max_head_bytes = 16 * 1024;  // request line and headers together
  std::size_t max_target_bytes = 8 * 1024;
  std::size_t max_headers = 100;
  std::uint64_t max_body_bytes = 8 * 1024 * 1024;
};

struct Header {
  std::string name;  // as sent; compare with iequals
  std::string value;
};

bool iequals(std::string_view a, std::string_view b);

// A complete, accepted request head. Decisions are taken from this snapshot only: trailers can never change it.
struct HeadFacts {
  std::string method;
  std::string target;  // origin form whatever form was sent, starts with '/', visible ASCII
  std::vector<Header> headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
  bool http_1_0 = false;  // such a client reads no chunks (RFC 9112 §6.1)

  // A non-empty body follows the head, or may.
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  // First header of that name, case-insensitively; empty when absent.
  std::string_view header(std::string_view name) const;
  std::string_view path() const;  // target without the query
};

// Bytes of the head including the blank line, or nullopt when it is not complete yet. Error when it cannot become valid
// (too long, a line without CR, not HTTP at all). Skips one leading CRLF (RFC 9112 §2.2), which counts as head.
Result<std::optional<std::size_t>> find_head(std::string_view bytes, const HttpLimits& limits);

// Judges one complete head (as measured by find_head). Pure. Refusals carry the status in Error::kind; the connection
// must then be closed after the answer. Header fields whose name has an underscore are left out: CGI-like servers take
// `content_length` for `content-length`. Of a target in absolute form (an http or https URL, RFC 9112 §3.2.2) path
// and query become the target; a Host field that does not say the same as its authority is refused. The size of the
// body is not judged here, but by check_length().
Result<HeadFacts> guard(std::string_view head, const HttpLimits& limits);

// What the answer to a head that was refused, or never ended, may go by: method and target where its request line can
// be read, each empty where not, and no header fields. `bytes` begin with that head.
HeadFacts refused_head(std::string_view bytes, const HttpLimits& limits);

// Refuses a body whose announced length is over the limit, before a byte of it is read (and before 100 Continue).
Status check_length(const HeadFacts& head, const HttpLimits& limits);

// Decodes one request body according to its head. `put` takes a prefix of `bytes`, appends decoded body bytes to `out`
// and returns how many it took. Trailers are discarded. Bounded: refuses a body over the limit, long chunk extensions
// and trailers. Verdict and output are the same wherever the bytes are cut. After an error, every put() is an error.
class BodyReader {
 public:
  BodyReader(const HeadFacts& head, const HttpLimits& limits);
  Result<std::size_t> put(std::string_view bytes, std::string& out);
  bool done() const { return chunks_ ? chunks_->done() : left_ == 0; }

 private:
  Status length_;                       // an error when the announced length is over the limit
  std::optional<ChunkDecoder> chunks_;  // absent: the length is known
  std::uint64_t left_ = 0;
};

// Reads one response (upstream side) to a request that is not HEAD. Informational 1xx heads are skipped (at most 10).
// Refused with upstream_error: conflicting lengths, oversized heads, invalid status, anything ambiguous. After an
// error, every call is an error.
class ResponseReader {
 public:
  struct Limits {
    std::size_t max_head_bytes = 32 * 1024;
  };
  explicit ResponseReader(Limits limits) : limits_(limits) {}

  // Takes a prefix of `bytes`, appends decoded body bytes to `body`, returns how many it took.
  Result<std::size_t> put(std::string_view bytes, std::string& body);
  // The peer closed. OK only when that ends the body properly (no length given), else an error.
  Status put_eof();

  bool head_done() const { return state_ != State::head && state_ != State::failed; }
  bool done() const { return state_ == State::done; }
  int status() const { return status_; }  // REQUIRES: head_done()
  // First header of that name, or empty; valid as long as the reader stays where it is. REQUIRES: head_done()
  std::string_view header(std::string_view name) const;
  // What followed a chunked body, likewise; never a part of the head. Empty until done().
  std::string_view trailer(std::string_view name) const { return chunks_.trailer(name); }
  // The connection may be reused after done(): both sides want to, and nothing followed the body.
  bool keep_alive() const { return keep_alive_; }
  bool anything_received() const { return anything_received_; }

 private:
  enum class State : std::uint8_t { head, length, chunks, until_close, done, failed };

  struct Field {  // offsets in head_
    std::uint32_t name = 0, name_size = 0, value = 0, value_size = 0;
  };
  std::string_view name(const Field& field) const { return {head_.data() + field.name, field.name_size}; }
  std::string_view value(const Field& field) const { return {head_.data() + field.value, field.value_size}; }

  Result<std::size_t> take_head(std::string_view bytes);
  Status finish_head();
  Status read_fields(std::string_view lines);
  Status frame_body();
  Error fail(std::string_view why);

  Limits limits_;
  State state_ = State::head;
  std::string head_;            // as received, blank line included
  std::size_t line_start_ = 0;  // of the last line of head_
  std::vector<Field> fields_;   // once the head is complete
  int informational_ = 0;
  int status_ = 0;
  std::uint64_t left_ = 0;
  ChunkDecoder chunks_{std::numeric_limits<std::uint64_t>::max(), ChunkDecoder::Trailers::kept};
  bool http_1_0_ = false;
  bool keep_alive_ = false;
  bool anything_received_ = false;
};

}  // namespace tollgate::net
