#pragma once
// HTTP/1.1 framing as bytes in, values out. No sockets. Boost.Beast 1.81 does the parsing behind these two classes;
// what it is known to let through is refused by guard() before it sees a byte (RFC 9112; every case has a test).
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

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
  std::string target;  // origin form, starts with '/', visible ASCII
  std::vector<Header> headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  // First header of that name, case-insensitively; empty when absent.
  std::string_view header(std::string_view name) const;
  std::string_view path() const;  // target without the query
};

// Bytes of the head including the blank line, or nullopt when it is not complete yet. Error when it cannot become valid
// (too long). Skips one leading CRLF (RFC 9112 §2.2).
Result<std::optional<std::size_t>> find_head(std::string_view bytes, const HttpLimits& limits);

// Judges one complete head (as measured by find_head). Pure. Refusals carry the status in Error::kind; the connection
// must then be closed after the answer.
Result<HeadFacts> guard(std::string_view head, const HttpLimits& limits);

// Decodes one request body according to its head. `put` takes a prefix of `bytes`, appends decoded body bytes to `out`
// and returns how many it took. Trailers are discarded. Bounded: refuses a body over the limit, long chunk extensions
// and trailers.
class BodyReader {
 public:
  BodyReader(const HeadFacts& head, const HttpLimits& limits);
  BodyReader(BodyReader&&) noexcept;
  ~BodyReader();
  Result<std::size_t> put(std::string_view bytes, std::string& out);
  bool done() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads one response (upstream side). Informational 1xx heads are skipped (at most 10).
// Refused with upstream_error: conflicting lengths, oversized heads, invalid status, anything ambiguous.
class ResponseReader {
 public:
  struct Limits {
    std::size_t max_head_bytes = 32 * 1024;
  };
  explicit ResponseReader(Limits limits);
  ResponseReader(ResponseReader&&) noexcept;
  ~ResponseReader();

  // Takes a prefix of `bytes`, appends decoded body bytes to `body`, returns how many it took.
  Result<std::size_t> put(std::string_view bytes, std::string& body);
  // The peer closed. OK only when that ends the body properly (no length given), else an error.
  Status put_eof();

  bool head_done() const;
  bool done() const;
  int status() const;                                    // REQUIRES: head_done()
  std::string_view header(std::string_view name) const;  // REQUIRES: head_done()
  bool keep_alive() const;                               // the connection may be reused after done()
  bool anything_received() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::net
