#include "providers/endpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxHost = 253;  // RFC 1035 §2.3.4, less the root label

Error refuse(std::string_view why) {
  return Error{.kind = ErrorKind::invalid_request, .message = "endpoint: " + std::string(why), .retryable = false};
}

// Not <cctype>: its answers depend on the locale.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool valid_name(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost || host.front() == '.' || host.front() == '-') return false;
  if (host.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
}

// Only the alphabet is checked here; the resolver decides whether it is an address. No zone ids.
bool valid_ipv6(std::string_view host) {
  if (host.size() < 2 || host.size() > 45 || host.find(':') == std::string_view::npos) return false;
  return std::ranges::all_of(host, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

Status read_scheme(std::string_view& rest, PlainHttp plain, Endpoint& endpoint) {
  const auto end = rest.find("://");
  if (end == std::string_view::npos) return refuse("expected an address such as https://api.example.com/v1");
  const std::string scheme = lower(rest.substr(0, end));
  rest.remove_prefix(end + 3);
  if (scheme == "https") return {};
  if (scheme != "http") return refuse("only https:// is spoken");
  if (plain == PlainHttp::refused) return refuse("http:// sends prompts and keys in the clear; use https://");
  endpoint.tls = false;
  endpoint.port = 80;
  return {};
}

Status read_authority(std::string_view authority, Endpoint& endpoint) {
  if (authority.find('@') != std::string_view::npos) return refuse("credentials do not belong in the address");
  const bool bracketed = authority.starts_with('[');
  const auto host_end = bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (host_end == std::string_view::npos) return refuse("the bracket of the IPv6 address is not closed");
  endpoint.host = lower(authority.substr(bracketed ? 1 : 0, host_end - (bracketed ? 1 : 0)));
  const bool valid = bracketed ? valid_ipv6(endpoint.host) : valid_name(endpoint.host);
  if (!valid) return refuse("the host is not a name or an address");

  authority.remove_prefix(host_end + (bracketed ? 1 : 0));
  if (authority.empty()) return {};
  const auto port = authority.front() == ':' ? parse_port(authority.substr(1)) : std::nullopt;
  if (!port) return refuse("the port is not a number from 1 to 65535");
  endpoint.port = *port;
  return {};
}

// Dot segments would be resolved by some peers and not by others, so that two readers see two paths.
bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view url, PlainHttp plain) {
  if (url.size() > kMaxUrl) return refuse("the address is too long");
  const auto visible = [](char c) { return c > ' ' && c < 0x7f && c != '\\'; };
  if (!std::ranges::all_of(url, visible)) return refuse("the address holds a blank or something that is not ASCII");
  if (url.find_first_of("?#") != std::string_view::npos) return refuse("a query or fragment does not belong here");

  Endpoint endpoint;
  TG_CHECK(read_scheme(url, plain, endpoint));
  const auto slash = std::min(url.find('/'), url.size());
  TG_CHECK(read_authority(url.substr(0, slash), endpoint));
  auto base = url.substr(slash);
  while (base.ends_with('/')) base.remove_suffix(1);
  if (has_dot_segment(base)) return refuse("the path holds a '.' or '..' segment");
  endpoint.base_path = base;
  return endpoint;
}

std::string url_host(const Endpoint& endpoint) {
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  return ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
}

std::string Endpoint::authority() const {
  const std::uint16_t default_port = tls ? 443 : 80;
  const std::string name = url_host(*this);
  return port == default_port ? name : name + ":" + std::to_string(port);
}

}  // namespace tollgate::providers
