#include "providers/identity/oauth.h"

#include <algorithm>

#include "providers/identity/json_fields.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxToken = 16 * 1024;
constexpr seconds kLongestLife = std::chrono::hours(24 * 7);

Error unusable(std::string_view who, std::string_view why) {
  return no_credential(std::string(who) + " answered with " + std::string(why));
}

std::optional<SystemTime> expiry(const JsonFields& fields, SystemTime asked_at) {
  if (const auto life = fields.integer("expires_in")) {
    if (*life <= 0) return std::nullopt;
    return asked_at + std::min(seconds(*life), kLongestLife);
  }
  const auto moment = fields.integer("expires_on");
  if (!moment || *moment <= 0) return std::nullopt;
  return std::min(SystemTime(seconds(std::min<std::int64_t>(*moment, 4'000'000'000))), asked_at + kLongestLife);
}

// Google's JSON APIs put an object under "error"; OAuth a word. Microsoft's own number stands before the description's
// first colon: "AADSTS7000215: Invalid client secret ...".
std::string error_code(const JsonFields& fields) {
  std::string code(fields.text("error"));
  if (code.empty()) code = fields.text("error.status");
  const auto description = fields.text("error_description");
  const auto number = description.substr(0, description.find(':'));
  if (number.starts_with("AADSTS") && is_word(number, "")) code.append(".").append(number);
  return code;
}

Error refusal(std::string_view who, const TokenReply& reply) {
  const auto fields = JsonFields::parse(reply.body.reveal());
  const std::string code = fields ? error_code(*fields) : std::string();
  Error error = token_refusal(who, reply.status, code);
  error.retryable =
      error.retryable || code == "internal_failure" || code == "server_error" || code == "temporarily_unavailable";
  return error;
}

}  // namespace

Result<Credential> read_token_reply(std::string_view who, const TokenReply& reply, SystemTime asked_at) {
  if (reply.status != 200) return refusal(who, reply);
  const auto fields = JsonFields::parse(reply.body.reveal());
  if (!fields) return unusable(who, fields.error().message);
  const auto token = fields->text("access_token");
  if (!is_token_text(token) || token.size() > kMaxToken) return unusable(who, "no token");
  const auto type = fields->text("token_type");
  if (!type.empty() && !net::iequals(type, "bearer")) return unusable(who, "a token that is no bearer token");
  Credential out;
  out.secret = Secret(std::string(token));
  out.expires_at = expiry(*fields, asked_at);
  if (!out.expires_at) return unusable(who, "a token without a readable expiry");
  return out;
}

}  // namespace tollgate::providers
