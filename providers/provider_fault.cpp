#include "providers/provider_fault.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "providers/http_date.h"

namespace tollgate::providers {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxMessage = 1024;
constexpr milliseconds kMaxRetryAfter = std::chrono::hours(1);

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

milliseconds clamp_ms(double ms) {
  return milliseconds(
      static_cast<std::int64_t>(std::ceil(std::clamp(ms, 0.0, static_cast<double>(kMaxRetryAfter.count())))));
}

std::string bounded(std::string message, std::string_view otherwise) {
  if (message.empty()) return std::string(otherwise);
  if (message.size() <= kMaxMessage) return message;
  std::size_t end = kMaxMessage;  // not in the middle of a character
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  message.resize(end);
  return message;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// How vLLM and others, Anthropic, Bedrock and Gemini say that the prompt does not fit.
bool too_long_for_the_model(std::string_view message) {
  constexpr std::string_view kWords[] = {"maximum context length", "prompt is too long", "Input is too long",
                                         "exceeds the maximum number of tokens allowed"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view words) { return message.find(words) != std::string_view::npos; });
}

Error about_the_request(int status, ProviderWords words) {
  Error error{ErrorKind::invalid_request, {}};
  error.retryable = false;
  if (status == 404) error.kind = ErrorKind::not_found;
  if (status == 413) error.kind = ErrorKind::payload_too_large;
  if (is_number(words.code)) words.code.clear();  // some servers repeat the status there
  if (words.code.empty() && too_long_for_the_model(words.message)) words.code = "context_length_exceeded";
  if (words.code == "DeploymentNotFound") words = {std::string(kModelNotThere), {}, {}, {}};
  if (status == 404 && words.code.empty()) words.code = "model_not_found";
  error.message = bounded(std::move(words.message), "The provider refused the request.");
  error.code = std::move(words.code);
  error.param = std::move(words.param);
  return error;
}

Error throttled(const ProviderWords& words) {
  if (words.code == "insufficient_quota" || words.type == "insufficient_quota")
    return Error{.kind = ErrorKind::rate_limited,
                 .message = "The provider account's quota is used up. Tell the operator of this gateway.",
                 .code = "insufficient_quota",
                 .retryable = false};
  return Error{.kind = ErrorKind::rate_limited,
               .message = "The provider is limiting the rate of requests. Wait and try again.",
               .code = "rate_limit_exceeded",
               .param = words.type == "tokens" ? "tokens" : "requests"};
}

Error about_the_provider(int status) {
  switch (status) {
    case 401:
    case 403:
      return Error{.kind = ErrorKind::upstream_error,
                   .message = "The provider refused this gateway's credentials. Tell its operator.",
                   .code = "upstream_auth_error",
                   .retryable = false};
    case 408:
    case 504:
      return Error{
          .kind = ErrorKind::upstream_timeout, .message = "The provider took too long.", .code = "upstream_timeout"};
    case 409:
    case 425:
    case 503:
    case 529:
      return Error{.kind = ErrorKind::overloaded,
                   .message = "The provider is overloaded. Try again shortly.",
                   .code = "upstream_overloaded"};
    default:
      return Error{.kind = ErrorKind::upstream_error,
                   .message = "The provider answered with status " + std::to_string(status) + ".",
                   .code = "upstream_error"};
  }
}

Error upstream(std::string code, std::string message) {
  return Error{.kind = ErrorKind::upstream_error, .message = std::move(message), .code = std::move(code)};
}

// OpenAI's codes and types, and what compatible servers call the same.
int status_of(const ProviderWords& words) {
  static constexpr std::pair<std::string_view, int> kStatuses[] = {{"rate_limit_exceeded", 429},
                                                                   {"insufficient_quota", 429},
                                                                   {"rate_limit_error", 429},
                                                                   {"requests", 429},
                                                                   {"tokens", 429},
                                                                   {"server_is_overloaded", 503},
                                                                   {"slow_down", 503},
                                                                   {"overloaded", 503},
                                                                   {"overloaded_error", 503},
                                                                   {"service_unavailable", 503},
                                                                   {"timeout", 504},
                                                                   {"invalid_prompt", 400},
                                                                   {"context_length_exceeded", 400},
                                                                   {"content_filter", 400},
                                                                   {"invalid_image", 400},
                                                                   {"image_content_policy_violation", 400},
                                                                   {"invalid_request_error", 400},
                                                                   {"BadRequestError", 400},
                                                                   {"validation", 422}};
  for (const auto& [name, status] : kStatuses)
    if (words.code == name || words.type == name) return status;
  return 500;
}

}  // namespace

Error fault_inside(ProviderWords words) {
  const bool told = words.status >= 400 && words.status <= 599;
  const int stands = told ? static_cast<int>(words.status) : status_of(words);
  return provider_fault(stands, std::move(words));
}

Error provider_fault(int status, ProviderWords words) {
  const bool callers = status == 400 || status == 404 || status == 413 || status == 422;
  if (callers) return about_the_request(status, std::move(words));
  return status == 429 ? throttled(words) : about_the_provider(status);
}

std::optional<milliseconds> retry_hint(std::string_view after_ms, std::string_view after, std::string_view date) {
  if (const auto ms = decimal(after_ms)) return clamp_ms(*ms);
  if (const auto seconds = decimal(after)) return clamp_ms(*seconds * 1000.0);
  const auto then = parse_http_date(after);
  const auto now = parse_http_date(date);
  if (!then || !now) return std::nullopt;
  return std::clamp<milliseconds>(*then - *now, milliseconds(0), kMaxRetryAfter);
}

std::optional<milliseconds> retry_delay(std::string_view seconds) {
  if (!seconds.ends_with('s')) return std::nullopt;
  seconds.remove_suffix(1);
  const auto value = decimal(seconds);
  return value ? std::optional(clamp_ms(*value * 1000.0)) : std::nullopt;
}

Error upstream_garbage() {
  return upstream("upstream_garbage", "The provider sent something that is not an answer to this request.");
}

Error upstream_cut() {
  return upstream("upstream_stream_interrupted", "The provider's stream ended without its end marker.");
}

Error upstream_too_long() {
  return upstream("upstream_body_too_long", "The provider sent an answer that is too long.");
}

Error upstream_malformed() {
  return upstream("upstream_malformed_answer",
                  "The model wrote a tool call or an answer that its provider could not read.");
}

}  // namespace tollgate::providers
