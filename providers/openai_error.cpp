// Errors both ways (OpenAI API reference, error codes; what compatible servers send instead is in README.md).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "providers/event.h"
#include "providers/http_date.h"
#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using std::chrono::milliseconds;

constexpr std::size_t kMaxMessage = 1024;
constexpr milliseconds kMaxRetryAfter = std::chrono::hours(1);

// What an error body says, whichever of the usual shapes it has.
struct ErrorReply {
  std::string message;
  std::string type;
  std::string code;
  std::string param;
  int keys = 0;  // of OpenAI's four, inside "error"
};

class ErrorWalk {
 public:
  explicit ErrorWalk(std::string_view body) : reader_(body) {}

  // {"error":{...}}, {"error":"text"}, {"message":...}, {"detail":"text"} or {"detail":[{"msg":...}]} (FastAPI).
  ErrorReply run() {
    if (reader_.peek() != Kind::object) return {};
    reader_.enter_object();
    while (reader_.next_member()) {
      const auto key = reader_.key();
      if (key == "error" && reader_.peek() == Kind::object)
        error_object();
      else if (key == "error" || key == "message" || key == "detail")
        text(reply_.message);
      else if (key == "code")
        text(reply_.code);
      else
        reader_.skip();
    }
    return reader_.at_end() ? std::move(reply_) : ErrorReply{};
  }

 private:
  void error_object() {
    reader_.enter_object();
    while (reader_.next_member()) {
      const auto key = reader_.key();
      std::string* field = field_of(key);
      if (field == nullptr) {
        reader_.skip();
        continue;
      }
      ++reply_.keys;
      text(*field);
    }
  }

  std::string* field_of(std::string_view key) {
    if (key == "message") return &reply_.message;
    if (key == "type") return &reply_.type;
    if (key == "code") return &reply_.code;
    if (key == "param") return &reply_.param;
    return nullptr;
  }

  void text(std::string& out) {
    if (reader_.peek() == Kind::array) return first_detail(out);
    if (reader_.peek() != Kind::string) {
      reader_.skip();
      return;
    }
    out = reader_.decode(reader_.string());
  }

  void first_detail(std::string& out) {
    reader_.enter_array();
    while (reader_.next_element()) {
      if (reader_.peek() != Kind::object) {
        reader_.skip();
        continue;
      }
      reader_.enter_object();
      while (reader_.next_member()) {
        if (reader_.key() == "msg" && out.empty() && reader_.peek() == Kind::string)
          out = reader_.decode(reader_.string());
        else
          reader_.skip();
      }
    }
  }

  JsonReader reader_;
  ErrorReply reply_;
};

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

std::optional<milliseconds> retry_hint(std::string_view after_ms, std::string_view after, std::string_view date) {
  if (const auto ms = decimal(after_ms)) return clamp_ms(*ms);
  if (const auto seconds = decimal(after)) return clamp_ms(*seconds * 1000.0);
  const auto then = parse_http_date(after);
  const auto now = parse_http_date(date);
  if (!then || !now) return std::nullopt;
  return std::clamp<milliseconds>(*then - *now, milliseconds(0), kMaxRetryAfter);
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

// Statuses that speak about the caller's request: what the provider says is for the caller.
Error about_the_request(int status, ErrorReply reply, std::string_view body) {
  Error error{ErrorKind::invalid_request, {}};
  error.retryable = false;
  if (status == 404) error.kind = ErrorKind::not_found;
  if (status == 413) error.kind = ErrorKind::payload_too_large;
  if (reply.keys == 4) error.upstream_body = std::string(body);
  if (is_number(reply.code)) reply.code.clear();  // some servers repeat the status there
  if (reply.code.empty() && reply.message.find("maximum context length") != std::string::npos)
    reply.code = "context_length_exceeded";
  if (status == 404 && (reply.code.empty() || reply.code == "DeploymentNotFound")) reply.code = "model_not_found";
  error.message = bounded(std::move(reply.message), "The provider refused the request.");
  error.code = std::move(reply.code);
  error.param = std::move(reply.param);
  return error;
}

Error throttled(const ErrorReply& reply) {
  if (reply.code == "insufficient_quota" || reply.type == "insufficient_quota")
    return Error{.kind = ErrorKind::rate_limited,
                 .message = "The provider account's quota is used up. Tell the operator of this gateway.",
                 .code = "insufficient_quota",
                 .retryable = false};
  return Error{.kind = ErrorKind::rate_limited,
               .message = "The provider is limiting the rate of requests. Wait and try again.",
               .code = "rate_limit_exceeded",
               .param = reply.type == "tokens" ? "tokens" : "requests"};
}

// Everything else is about the provider or about us: its words stay inside.
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
  ErrorReply reply = valid_utf8(body) ? ErrorWalk(body).run() : ErrorReply{};
  const bool callers = status == 400 || status == 404 || status == 413 || status == 422;
  Error error = callers         ? about_the_request(status, std::move(reply), body)
                : status == 429 ? throttled(reply)
                                : about_the_provider(status);
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
