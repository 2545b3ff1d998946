#include <algorithm>
#include <array>

#include "gateway/net/http1.h"
#include "gateway/net/http1_syntax.h"
#include "gateway/net/percent.h"

namespace tollgate::net {
namespace {

constexpr std::string_view kCrlf = "\r\n";

Error bad_request(std::string_view what) {
  return {ErrorKind::invalid_request, "The request is malformed: " + std::string(what) + "."};
}
Error target_too_long() { return {ErrorKind::uri_too_long, "The request target is longer than the limit."}; }
Error head_too_large() { return {ErrorKind::headers_too_large, "The request head is larger than the limit."}; }

Error too_large(std::string_view first_line, const HttpLimits& limits) {
  return first_line.size() > limits.max_target_bytes ? target_too_long() : head_too_large();
}

// --- the request line ---

Status check_method(std::string_view method) {
  constexpr std::array<std::string_view, 7> kKnown = {"POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"};
  if (!is_token(method)) return bad_request("the request line is not one");
  if (std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end()) return {};
  return Error{ErrorKind::method_not_allowed, "The method is not supported."};
}

Status check_version(std::string_view version) {
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return {};
  const auto digit = [&](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
  if (version.size() == 8 && version.starts_with("HTTP/") && digit(5) && version[6] == '.' && digit(7))
    return Error{ErrorKind::http_version, "Only HTTP/1.1 and HTTP/1.0 are spoken here."};
  return bad_request("the request line has no valid HTTP version");
}

// Refuses what another server might resolve to a different path.
Status check_segments(std::string_view path) {
  path.remove_prefix(1);
  for (;;) {
    const auto end = path.find_first_of("/\\");
    const auto segment = path.substr(0, end);
    if (segment == "." || segment == "..") return bad_request("the path has a dot segment");
    if (end == std::string_view::npos) return {};
    if (segment.empty()) return bad_request("the path has an empty segment ('//'); look at the end of the base URL");
    path.remove_prefix(end + 1);
  }
}

Status check_path(std::string_view path) {
  if (path.find('%') == std::string_view::npos) return check_segments(path);
  const auto decoded = percent_decode(path);
  return decoded ? check_segments(*decoded) : bad_request("the path has an invalid percent escape");
}

// uri-host [ ":" port ] (RFC 9112 §3.2), without percent escapes and never empty.
bool valid_host(std::string_view host) {
  if (host.empty() || host.size() > 261) return false;  // 255 and a port
  std::size_t end = host.front() == '[' ? host.find(']') : host.find(':');
  if (host.front() == '[') {
    if (end == std::string_view::npos) return false;
    const auto literal = host.substr(1, end - 1);
    if (literal.empty() || literal.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
      return false;
    ++end;
  } else {
    const auto name = host.substr(0, end);
    const auto named = [](char c) {
      return is_token_char(c) && c != '%' && c != '#' && c != '^' && c != '`' && c != '|';
    };
    if (name.empty() || !std::all_of(name.begin(), name.end(), named)) return false;
  }
  if (end >= host.size()) return true;
  const auto port = host.substr(end + 1);
  return host[end] == ':' && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
}

struct Target {
  std::string_view authority;  // empty unless it came in absolute form
  std::string origin;          // path and query
};

// Of "http://" or "https://" at the front; 0 where neither stands there.
std::size_t scheme_size(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (iequals(target.substr(0, scheme.size()), scheme)) return scheme.size();
  return 0;
}

// RFC 9112 §3.2.2: servers must take the absolute form, though clients send it to proxies.
Result<Target> read_absolute(std::string_view target) {
  const std::size_t scheme = scheme_size(target);
  if (scheme == 0) return bad_request("the target must be a path that starts with '/', or an http or https URL");
  target.remove_prefix(scheme);
  const auto authority = target.substr(0, target.find_first_of("/?"));
  target.remove_prefix(authority.size());
  if (authority.find('@') != std::string_view::npos)
    return bad_request("the URL in the target has user information (RFC 9110 section 4.2.4 forbids it)");
  if (!valid_host(authority)) return bad_request("the URL in the target has no valid host");
  const std::string_view root = target.starts_with('/') ? "" : "/";  // of an empty path (RFC 9110 §4.2.3)
  return Target{authority, std::string(root).append(target)};
}

Result<Target> read_target(std::string_view target, const HttpLimits& limits) {
  if (target.size() > limits.max_target_bytes) return target_too_long();
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!std::all_of(target.begin(), target.end(), visible))
    return bad_request("the target has characters that must be percent-encoded");
  auto read = target.starts_with('/') ? Target{{}, std::string(target)} : read_absolute(target);
  if (read) TG_CHECK(check_path(std::string_view(read->origin).substr(0, read->origin.find('?'))));
  return read;
}

struct RequestLine {
  std::string_view method, target, version;
};

std::optional<RequestLine> split(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == last) return std::nullopt;
  return RequestLine{line.substr(0, first), line.substr(first + 1, last - first - 1), line.substr(last + 1)};
}

// --- the header fields ---

// What the fields said that only all of them together can judge.
struct Framing {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  std::string_view coding;
  bool close = false;
  bool keep_alive = false;
};

Status note_field(const FieldView& field, HeadFacts& facts, Framing& framing) {
  const auto [name, value] = field;
  if (iequals(name, "host")) {
    ++framing.hosts;
    if (!valid_host(value)) return bad_request("the Host header is not a host name");
  } else if (iequals(name, "content-length")) {
    ++framing.lengths;
    facts.content_length = read_length(value);
    if (!facts.content_length) return bad_request("Content-Length is not a number");
  } else if (iequals(name, "transfer-encoding")) {
    ++framing.codings;
    framing.coding = value;
  } else if (iequals(name, "connection")) {
    framing.close = framing.close || list_has(value, "close");
    framing.keep_alive = framing.keep_alive || list_has(value, "keep-alive");
  } else if (iequals(name, "expect") && !facts.http_1_0) {  // RFC 9110 §10.1.1: ignored from HTTP/1.0
    if (!iequals(value, "100-continue"))
      return Error{ErrorKind::expectation_failed, "Only the expectation 100-continue is supported."};
    facts.expect_continue = true;
  }
  return {};
}

// RFC 9112 §6.3, with every choice it leaves open decided for refusal.
Status settle_framing(const Framing& framing, HeadFacts& facts) {
  if (framing.hosts > 1) return bad_request("it has more than one Host header");
  if (framing.hosts == 0 && !facts.http_1_0) return bad_request("it has no Host header");
  if (framing.lengths > 1) return bad_request("it has more than one Content-Length");
  if (framing.codings > 0) {
    if (framing.codings > 1) return bad_request("it has more than one Transfer-Encoding");
    if (framing.lengths > 0) return bad_request("it has both Content-Length and Transfer-Encoding");
    if (facts.http_1_0) return bad_request("HTTP/1.0 has no Transfer-Encoding");
    if (!iequals(framing.coding, "chunked")) {
      if (!is_token(framing.coding)) return bad_request("Transfer-Encoding is not `chunked`");
      return Error{ErrorKind::not_implemented, "The only transfer coding supported is `chunked`."};
    }
    facts.chunked = true;
  }
  facts.keep_alive = !framing.close && (!facts.http_1_0 || framing.keep_alive);
  return {};
}

Status read_fields(std::string_view lines, const HttpLimits& limits, HeadFacts& facts) {
  Framing framing;
  std::size_t count = 0;
  facts.headers.reserve(16);
  while (lines.size() > kCrlf.size()) {
    if (++count > limits.max_headers)
      return Error{ErrorKind::headers_too_large, "The request has more header fields than the limit."};
    std::string_view fault;
    const auto field = read_field(take_line(lines), fault);
    if (!field) return bad_request(fault);
    if (field->name.find('_') != std::string_view::npos) continue;
    TG_CHECK(note_field(*field, facts, framing));
    facts.headers.push_back({std::string(field->name), std::string(field->value)});
  }
  return settle_framing(framing, facts);
}

// RFC 9112 §3.2: a client says in Host what its URL says. A head that names two servers may be read by somebody else as
// meant for the other one. HTTP/1.0 may have no such field.
Status check_same_host(std::string_view authority, const HeadFacts& facts) {
  const auto host = facts.header("host");
  if (host.empty() || iequals(host, authority)) return {};
  return bad_request("the Host field names another server than the URL in the target");
}

}  // namespace

std::string_view HeadFacts::header(std::string_view name) const {
  for (const auto& header : headers)
    if (iequals(header.name, name)) return header.value;
  return {};
}

std::string_view HeadFacts::path() const {
  const std::string_view all = target;
  return all.substr(0, all.find('?'));
}

Result<std::optional<std::size_t>> find_head(std::string_view bytes, const HttpLimits& limits) {
  using Length = std::optional<std::size_t>;
  const std::size_t start = bytes.starts_with(kCrlf) ? kCrlf.size() : 0;
  if (bytes.size() == 1 && bytes.front() == '\r') return Length();
  // Such as the first byte of a TLS handshake, which would never be followed by the end of a line.
  if (bytes.size() > start && !is_token_char(bytes[start])) return bad_request("it does not begin with a method");
  const auto allowed = bytes.substr(0, limits.max_head_bytes);
  std::size_t line = start;
  for (;;) {
    const auto end = allowed.find('\n', line);
    if (end == std::string_view::npos) break;
    if (end == line || bytes[end - 1] != '\r') return bad_request("a line ends without CR");
    if (end == line + 1) return Length(end + 1);
    line = end + 1;
  }
  const auto first_line = allowed.substr(start, allowed.find('\n', start) - start);
  if (bytes.size() > limits.max_head_bytes) return too_large(first_line, limits);
  return Length();
}

Result<HeadFacts> guard(std::string_view head, const HttpLimits& limits) {
  if (head.starts_with(kCrlf)) head.remove_prefix(kCrlf.size());
  if (!head.ends_with("\r\n\r\n")) return bad_request("the head has no end");
  const auto line = split(take_line(head));
  if (!line) return bad_request("the request line has no target or no HTTP version");
  TG_CHECK(check_method(line->method));
  TG_CHECK(check_version(line->version));
  TG_TRY(Target target, read_target(line->target, limits));
  HeadFacts facts;
  facts.method = line->method;
  facts.target = std::move(target.origin);
  facts.http_1_0 = line->version == "HTTP/1.0";
  TG_CHECK(read_fields(head, limits, facts));
  if (!target.authority.empty()) TG_CHECK(check_same_host(target.authority, facts));
  return facts;
}

HeadFacts refused_head(std::string_view bytes, const HttpLimits& limits) {
  HeadFacts facts;
  facts.keep_alive = false;
  if (bytes.starts_with(kCrlf)) bytes.remove_prefix(kCrlf.size());
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos) return facts;
  const auto line = split(bytes.substr(0, end));
  if (!line || !is_token(line->method)) return facts;
  facts.method = line->method;
  if (auto target = read_target(line->target, limits)) facts.target = std::move(target->origin);
  return facts;
}

}  // namespace tollgate::net
