#include "providers/identity/sigv4.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <utility>

#include "providers/identity/crypto.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using namespace std::string_view_literals;
using NameValue = std::pair<std::string, std::string>;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDateSize = 8;  // of "20250102T030405Z"

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Without outer white space, inner runs of spaces as one.
std::string trimmed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const char plain = c == '\t' ? ' ' : c;
    const bool repeated = plain == ' ' && (out.empty() || out.back() == ' ');
    if (!repeated) out.push_back(plain);
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// RFC 3986 §5.2.4, and empty segments go as well.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool ends_open = true;  // the path ends with '/'
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    ends_open = end < path.size() || segment == "." || segment == ".." || segment.empty();
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (ends_open || out.empty()) out.push_back('/');
  return out;
}

// One line per name, sorted; repeated headers joined in the order in which they were sent.
std::map<std::string, std::string> canonical_headers(const std::vector<net::Header>& headers) {
  std::map<std::string, std::string> lines;
  for (const auto& header : headers) {
    const auto [line, is_new] = lines.try_emplace(lower(header.name), trimmed(header.value));
    if (!is_new) line->second.append(",").append(trimmed(header.value));
  }
  return lines;
}

std::string body_hash(const SigningRequest& request) { return lower_hex(sha256(request.body)); }

CanonicalRequest4 canonical_request(const SigningRequest& request, const SigningScope& scope, std::string_view hash) {
  CanonicalRequest4 out;
  out.text.append(request.method).append("\n").append(canonical_path(request.path, scope.normalize_path));
  out.text.append("\n").append(canonical_query(request.query)).append("\n");
  for (const auto& [name, value] : canonical_headers(request.headers)) {
    out.text.append(name).append(":").append(value).append("\n");
    out.signed_headers.append(out.signed_headers.empty() ? "" : ";").append(name);
  }
  out.text.append("\n").append(out.signed_headers).append("\n").append(hash);
  return out;
}

}  // namespace

bool signable(std::string_view header_name) {
  static constexpr std::array kSkipped = {"authorization"sv,
                                          "connection"sv,
                                          "content-length"sv,
                                          "expect"sv,
                                          "keep-alive"sv,
                                          "proxy-authenticate"sv,
                                          "proxy-authorization"sv,
                                          "te"sv,
                                          "trailer"sv,
                                          "transfer-encoding"sv,
                                          "upgrade"sv,
                                          "user-agent"sv,
                                          "x-amzn-trace-id"sv,
                                          "accept-encoding"sv};
  return std::ranges::none_of(kSkipped, [&](std::string_view name) { return net::iequals(name, header_name); });
}

std::string canonical_path(std::string_view path, bool normalize) {
  if (path.empty()) return "/";
  return url_encode(normalize ? without_dot_segments(path) : std::string(path), "/");
}

std::string canonical_query(std::string_view query) {
  std::vector<NameValue> pairs;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    const auto value = pair.substr(std::min(equals + 1, pair.size()));
    if (!pair.empty())
      pairs.emplace_back(url_encode(url_decode(pair.substr(0, equals))), url_encode(url_decode(value)));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs) out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
  return out;
}

CanonicalRequest4 canonical_request(const SigningRequest& request, const SigningScope& scope) {
  return canonical_request(request, scope, body_hash(request));
}

std::string amz_date(SystemTime now) {
  namespace c = std::chrono;
  const auto seconds = c::floor<c::seconds>(now);
  const auto days = c::floor<c::days>(seconds);
  const c::year_month_day date(days);
  const c::hh_mm_ss time(seconds - days);
  std::array<char, 32> text;
  const int size =
      std::snprintf(text.data(), text.size(), "%04d%02u%02uT%02lld%02lld%02lldZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<long long>(time.hours().count()), static_cast<long long>(time.minutes().count()),
                    static_cast<long long>(time.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

Secret signing_key(const Credential& keys, const SigningScope& scope, SystemTime now) {
  const Secret first("AWS4" + std::string(keys.secret.reveal()));
  const Digest of_date = hmac_sha256(first.reveal(), amz_date(now).substr(0, kDateSize));
  const Digest of_region = hmac_sha256(as_text(of_date), scope.region);
  const Digest of_service = hmac_sha256(as_text(of_region), scope.service);
  return Secret(std::string(as_text(hmac_sha256(as_text(of_service), "aws4_request"))));
}

std::vector<net::Header> sign_v4(SigningRequest request, const Credential& keys, const SigningScope& scope,
                                 SystemTime now) {
  const Secret key = signing_key(keys, scope, now);
  return sign_v4(std::move(request), keys, key, scope, now);
}

std::vector<net::Header> sign_v4(SigningRequest request, const Credential& keys, const Secret& key_of_day,
                                 const SigningScope& scope, SystemTime now) {
  const std::string timestamp = amz_date(now);
  const std::string date = timestamp.substr(0, kDateSize);
  const std::string hash = body_hash(request);
  std::vector<net::Header> added = {{"x-amz-date", timestamp}};
  if (scope.content_sha256_header) added.push_back({"x-amz-content-sha256", hash});
  const net::Header token{"x-amz-security-token", std::string(keys.session_token.reveal())};
  if (!token.value.empty() && scope.sign_session_token) added.push_back(token);
  request.headers.insert(request.headers.end(), added.begin(), added.end());

  const auto canonical = canonical_request(request, scope, hash);
  std::string credential_scope = date;
  credential_scope.append("/").append(scope.region).append("/").append(scope.service).append("/aws4_request");
  std::string to_sign(kAlgorithm);
  to_sign.append("\n").append(timestamp).append("\n").append(credential_scope).append("\n");
  to_sign.append(lower_hex(sha256(canonical.text)));

  std::string proof(kAlgorithm);
  proof.append(" Credential=").append(keys.access_key_id).append("/").append(credential_scope);
  proof.append(", SignedHeaders=").append(canonical.signed_headers);
  proof.append(", Signature=").append(lower_hex(hmac_sha256(key_of_day.reveal(), to_sign)));
  if (!token.value.empty() && !scope.sign_session_token) added.push_back(token);
  added.push_back({"authorization", std::move(proof)});
  return added;
}

}  // namespace tollgate::providers
