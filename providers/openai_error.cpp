// Errors both ways (OpenAI API reference, error codes; what compatible servers send instead is in README.md).
#include <utility>

#include "providers/dialect.h"
#include "providers/front_end.h"
#include "providers/json_reader.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// What an error body says, whichever of the usual shapes it has.
struct ErrorWords {
  ProviderWords words;
  int keys = 0;  // of OpenAI's four, inside "error", each a text or null
};

class ErrorWalk {
 public:
  explicit ErrorWalk(std::string_view body) : reader_(body) {}

  // {"error":{...}}, {"error":"text"}, {"message":...}, {"detail":"text"} or {"detail":[{"msg":...}]} (FastAPI), the
  // last also inside "message" (Mistral); the first of a list (Google).
  ErrorWords run() {
    const bool listed = reader_.peek() == Kind::array;
    if (listed) reader_.enter_array();
    if (listed && !reader_.next_element()) return {};
    if (reader_.peek() != Kind::object) return {};
    members();
    while (listed && reader_.next_element()) reader_.skip();
    if (listed) reply_.keys = 0;  // no form that callers know
    return reader_.at_end() ? std::move(reply_) : ErrorWords{};
  }

 private:
  void members() {
    reader_.enter_object();
    while (reader_.next_member()) {
      const auto key = reader_.key();
      if (key == "error" && reader_.peek() == Kind::object)
        error_object();
      else if (key == "error" || key == "message" || key == "detail")
        text(reply_.words.message);
      else if (key == "code")
        text(reply_.words.code);
      else
        reader_.skip();
    }
  }

  void error_object() {
    reader_.enter_object();
    while (reader_.next_member()) {
      const auto key = reader_.key();
      std::string* field = field_of(key);
      if (field == nullptr) {
        reader_.skip();
        continue;
      }
      reply_.keys += reader_.peek() == Kind::string || reader_.peek() == Kind::null ? 1 : 0;
      text(*field);
    }
  }

  std::string* field_of(std::string_view key) {
    if (key == "message") return &reply_.words.message;
    if (key == "type") return &reply_.words.type;
    if (key == "code") return &reply_.words.code;
    if (key == "param") return &reply_.words.param;
    return nullptr;
  }

  void text(std::string& out) {
    if (reader_.peek() == Kind::array) return first_detail(out);
    if (reader_.peek() == Kind::object) return detail_inside(out);
    if (reader_.peek() != Kind::string) {
      reader_.skip();
      return;
    }
    out = reader_.decode(reader_.string());
  }

  void detail_inside(std::string& out) {
    reader_.enter_object();
    while (reader_.next_member()) {
      if (reader_.key() == "detail" && reader_.peek() != Kind::object)
        text(out);
      else
        reader_.skip();
    }
  }

  void first_detail(std::string& out) {
    walk_objects(reader_, [&](std::string_view key) {
      if (key == "msg" && out.empty() && reader_.peek() == Kind::string)
        out = reader_.decode(reader_.string());
      else
        reader_.skip();
    });
  }

  JsonReader reader_;
  ErrorWords reply_;
};

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
  ErrorWords reply = valid_utf8(body) ? ErrorWalk(body).run() : ErrorWords{};
  const std::string code = reply.words.code;
  Error error = provider_fault(status, std::move(reply.words));
  // Words that are for the caller and already have the caller's form go as they came.
  const bool callers = error.kind == ErrorKind::invalid_request || error.kind == ErrorKind::not_found ||
                       error.kind == ErrorKind::payload_too_large;
  if (callers && reply.keys == 4 && error.code == code) error.upstream_body = std::string(body);
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
