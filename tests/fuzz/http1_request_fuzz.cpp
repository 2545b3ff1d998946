// A request from anybody. Whatever arrives: the same verdict and output whole and byte by byte, and where Boost.Beast
// reads the message too, it reads the same one.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/net/http1.h"
#include "tests/fuzz/require.h"
#include "tests/unit/net/beast_oracle.h"

using namespace tollgate;

namespace {

struct Body {
  bool refused = false;
  bool done = false;
  std::size_t taken = 0;
  std::string bytes;
  friend bool operator==(const Body&, const Body&) = default;
};

Body read_body(const net::HeadFacts& head, std::string_view bytes, std::size_t step) {
  net::BodyReader reader(head, net::HttpLimits());
  Body body;
  while (!reader.done() && !bytes.empty()) {
    const auto piece = bytes.substr(0, step);
    const auto took = reader.put(piece, body.bytes);
    if (!took) {
      body.refused = true;
      body.taken = 0;
      return body;
    }
    require(reader.done() || *took == piece.size(), "what is not the end is taken");
    body.taken += *took;
    bytes.remove_prefix(*took);
  }
  body.done = reader.done();
  return body;
}

void check_head_cuts(std::string_view bytes, const net::HttpLimits& limits, std::size_t end) {
  for (std::size_t size = 0; size < end; ++size) {
    const auto found = net::find_head(bytes.substr(0, size), limits);
    require(found && !*found, "a head is found at its end and refused for nothing that follows");
  }
}

// RFC 9112 §3.2.2: of a target in absolute form, what follows its authority; an empty path is "/".
std::string origin_form(const std::string& target) {
  if (target.starts_with('/')) return target;
  const auto end = target.find_first_of("/?", target.find("://") + 3);
  const std::string rest = end == std::string::npos ? std::string() : target.substr(end);
  return rest.starts_with('/') ? rest : "/" + rest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const net::HttpLimits limits;
  const auto told = net::refused_head(bytes, limits);
  require(told.target.empty() || told.target.front() == '/', "what is told of a target is a path");
  const auto end = net::find_head(bytes, limits);
  if (!end || !*end) return 0;
  require(**end <= size && **end <= limits.max_head_bytes, "a head is as long as what was given");
  if (size < 512) check_head_cuts(bytes, limits, **end);
  const auto head = net::guard(bytes.substr(0, **end), limits);
  if (!head) return 0;
  require(told.method == head->method && told.target == head->target, "a request line is told as it is accepted");
  require(!head->target.empty() && head->target.front() == '/', "a target is a path");
  require(!(head->chunked && head->content_length), "there is one framing");
  require(head->headers.size() <= limits.max_headers, "there are not too many headers");

  const auto rest = bytes.substr(**end);
  const Body whole = read_body(*head, rest, rest.size());
  require(whole == read_body(*head, rest, 1), "a body is the same wherever it is cut");
  require(whole.bytes.size() <= limits.max_body_bytes, "a body is not too large");
  if (!whole.done) return 0;
  const auto theirs = net::oracle::read_request(bytes.substr(bytes.starts_with("\r\n") ? 2 : 0));
  if (!theirs) return 0;
  require(theirs->method == head->method && origin_form(theirs->target) == head->target,
          "the request line is read alike");
  require(theirs->body == whole.bytes, "the body is read alike");
  return 0;
}
