#include "providers/request_head.h"

#include <algorithm>
#include <array>

namespace tollgate::providers {
namespace {

using namespace std::string_view_literals;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_visible(char c) { return c > ' ' && c < 0x7f; }

// RFC 9110 §5.6.2
constexpr auto kTokenChars = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0x21; c < 0x7f; ++c)
    table[c] = "\"(),/:;<=>?@[\\]{}"sv.find(static_cast<char>(c)) == std::string_view::npos;
  return table;
}();
bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }

// RFC 9110 §5.5; bytes above 0x7f are obs-text
bool is_value_char(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); }

Error bug(std::string_view what) {
  return Error{.kind = ErrorKind::internal, .message = "the request could not be sent: " + std::string(what)};
}

bool valid_header(const net::Header& header) {
  return !header.name.empty() && std::ranges::all_of(header.name, is_token_char) &&
         std::ranges::all_of(header.value, is_value_char);
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Status check_request(const HttpCall& call) {
  if (!call.endpoint) return bug("no endpoint");
  const bool bodiless_answer = call.method == "HEAD" || call.method == "CONNECT";
  if (call.method.empty() || bodiless_answer || !std::ranges::all_of(call.method, is_upper)) return bug("method");
  const bool has_path = !call.endpoint->base_path.empty() || !call.path.empty();
  const bool rooted = call.endpoint->base_path.starts_with('/') || call.path.starts_with('/');
  if (has_path && !rooted) return bug("path");
  if (!std::ranges::all_of(call.path, is_visible) || !std::ranges::all_of(call.endpoint->base_path, is_visible))
    return bug("path");
  if (!std::ranges::all_of(call.headers, valid_header)) return bug("header");
  return {};
}

bool is_transport_header(std::string_view name) {
  static constexpr std::array kOurs = {"host"sv, "content-length"sv, "transfer-encoding"sv, "connection"sv, "expect"sv};
  return std::ranges::any_of(kOurs, [&](std::string_view ours) { return net::iequals(ours, name); });
}

std::string request_head(const HttpCall& call) {
  std::string head;
  head.reserve(512);
  head.append(call.method).append(" ").append(call.endpoint->base_path).append(call.path);
  if (head.back() == ' ') head.push_back('/');
  head.append(" HTTP/1.1\r\n");
  append_header(head, "Host", call.endpoint->host_header());
  for (const auto& header : call.headers)
    if (!is_transport_header(header.name)) append_header(head, header.name, header.value);
  // RFC 9110 §8.6: a length is expected with POST even when it is 0, and not with GET.
  if (call.source)
    append_header(head, "Transfer-Encoding", "chunked");
  else if (!call.body.empty() || call.method != "GET")
    append_header(head, "Content-Length", std::to_string(call.body.size()));
  head.append("\r\n");
  return head;
}

}  // namespace tollgate::providers
