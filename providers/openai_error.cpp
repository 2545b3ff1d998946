// Errors both ways (OpenAI API reference, error codes).
#include <utility>

#include "providers/dialect.h"
#include "providers/error_words.h"
#include "providers/front_end.h"

namespace tollgate::providers {
namespace {

void append_string_or_null(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  if (value.empty()) {
    out += "null";
    return;
  }
  out += '"';
  append_json_escaped(out, value);
  out += '"';
}

}  // namespace

Error decode_error_reply(int status, std::string_view body, std::string_view retry_after_ms,
                         std::string_view retry_after, std::string_view date) {
  // Google's endpoint of this API refuses in Google's own form.
  if (body.starts_with('[')) {
    const ErrorAnswer answer{status, body, retry_after_ms, retry_after, date, {}};
    Error error = kGeminiDialect.decode_error(answer);
    error.upstream_status = status;
    return error;
  }
  ErrorBody reply = read_error_body(body);
  const std::string code = reply.words.code;
  Error error = provider_fault(status, std::move(reply.words));
  // Words that are for the caller and already have the caller's form go as they came.
  const bool callers = error.kind == ErrorKind::invalid_request || error.kind == ErrorKind::not_found ||
                       error.kind == ErrorKind::payload_too_large;
  if (callers && reply.members == 4 && error.code == code) error.upstream_body = std::string(body);
  error.upstream_status = status;
  error.retry_after = retry_hint(retry_after_ms, retry_after, date);
  return error;
}

std::string_view openai_error_type(const Error& error) {
  switch (error.kind) {
    case ErrorKind::rate_limited:
      if (error.code == "insufficient_quota") return "insufficient_quota";
      return error.param == "tokens" ? "tokens" : "requests";
    case ErrorKind::budget_exceeded:
      return "insufficient_quota";
    case ErrorKind::request_timeout:
    case ErrorKind::upstream_timeout:
      return "timeout";
    case ErrorKind::overloaded:
      return "service_unavailable";
    case ErrorKind::internal:
    case ErrorKind::upstream_error:
    case ErrorKind::cancelled:
      return "server_error";
    default:
      return "invalid_request_error";
  }
}

std::string encode_error_body(const Error& error) {
  if (!error.upstream_body.empty()) return error.upstream_body;
  std::string out = R"({"error":{"message":")";
  append_json_escaped(out, error.message);
  out += '"';
  append_string_or_null(out, "type", openai_error_type(error));
  append_string_or_null(out, "param", error.kind == ErrorKind::rate_limited ? std::string_view() : error.param);
  append_string_or_null(out, "code", error.code);
  return out += "}}";
}

}  // namespace tollgate::providers
