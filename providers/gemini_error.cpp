// Refusals and the list of models in Google's form (google.rpc.Status and its details; Gemini API reference, models).
#include <algorithm>
#include <cctype>

#include "providers/front_end.h"
#include "providers/json_writer.h"

namespace tollgate::providers {
namespace {

std::string_view status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unauthenticated:
      return "UNAUTHENTICATED";
    case ErrorKind::budget_exceeded:
    case ErrorKind::permission_denied:
      return "PERMISSION_DENIED";
    case ErrorKind::not_found:
      return "NOT_FOUND";
    case ErrorKind::rate_limited:
      return "RESOURCE_EXHAUSTED";
    case ErrorKind::cancelled:
      return "CANCELLED";
    case ErrorKind::method_not_allowed:
    case ErrorKind::not_implemented:
      return "UNIMPLEMENTED";
    case ErrorKind::internal:
    case ErrorKind::upstream_error:
      return "INTERNAL";
    case ErrorKind::overloaded:
      return "UNAVAILABLE";
    case ErrorKind::request_timeout:
    case ErrorKind::upstream_timeout:
      return "DEADLINE_EXCEEDED";
    default:
      return "INVALID_ARGUMENT";
  }
}

void begin_detail(std::string_view type, JsonWriter& out) {
  out.begin_object();
  out.string("@type", "type.googleapis.com/google.rpc." + std::string(type));
}

// "7s", "1.500s"
std::string duration(std::chrono::milliseconds time) {
  std::string out = std::to_string(time.count() / 1000);
  if (time.count() % 1000 != 0) out += "." + std::to_string(1000 + time.count() % 1000).substr(1);
  return out + "s";
}

void write_details(const Error& error, std::string_view request_id, JsonWriter& out) {
  if (!error.code.empty()) {
    std::string reason = error.code;
    std::transform(reason.begin(), reason.end(), reason.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    begin_detail("ErrorInfo", out);
    out.string("reason", reason);
    out.string("domain", "tollgate");
    out.end_object();
  }
  if (!error.param.empty() && error.kind == ErrorKind::invalid_request) {
    begin_detail("BadRequest", out);
    out.begin_array("fieldViolations");
    out.begin_object();
    out.string("field", error.param);
    out.string("description", error.message);
    out.end_object();
    out.end_array();
    out.end_object();
  }
  if (error.retry_after) {
    begin_detail("RetryInfo", out);
    out.string("retryDelay", duration(*error.retry_after));
    out.end_object();
  }
  begin_detail("RequestInfo", out);
  out.string("requestId", request_id);
  out.end_object();
}

void write_model(const ModelEntry& model, JsonWriter& out) {
  out.begin_object();
  out.string("name", "models/" + model.id);
  out.string("displayName", model.id);
  out.begin_array("supportedGenerationMethods");
  out.string("generateContent");
  out.string("countTokens");
  out.end_array();
  out.end_object();
}

}  // namespace

std::string encode_gemini_error(const Error& error, std::string_view request_id) {
  JsonWriter out;
  out.begin_object();
  out.begin_object("error");
  out.number("code", std::int64_t{http_status(error.kind)});
  out.string("message", error.message);
  out.string("status", status_of(error.kind));
  out.begin_array("details");
  write_details(error, request_id, out);
  out.end_array();
  out.end_object();
  out.end_object();
  return out.take();
}

std::string encode_gemini_model(const ModelEntry& model) {
  JsonWriter out;
  write_model(model, out);
  return out.take();
}

std::string encode_gemini_model_list(const std::vector<ModelEntry>& models) {
  JsonWriter out;
  out.begin_object();
  out.begin_array("models");
  for (const ModelEntry& model : models) write_model(model, out);
  out.end_array();
  out.end_object();
  return out.take();
}

}  // namespace tollgate::providers
