// Refusals and the list of models in Anthropic's form (Anthropic API reference: errors, models).
#include <chrono>

#include "providers/front_end.h"
#include "providers/json_reader.h"
#include "providers/json_writer.h"

namespace tollgate::providers {
namespace {

std::string_view error_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unauthenticated:
      return "authentication_error";
    case ErrorKind::budget_exceeded:
      return "billing_error";
    case ErrorKind::permission_denied:
      return "permission_error";
    case ErrorKind::not_found:
      return "not_found_error";
    case ErrorKind::payload_too_large:
      return "request_too_large";
    case ErrorKind::rate_limited:
      return "rate_limit_error";
    case ErrorKind::request_timeout:
    case ErrorKind::upstream_timeout:
      return "timeout_error";
    case ErrorKind::overloaded:
      return "overloaded_error";
    case ErrorKind::internal:
    case ErrorKind::upstream_error:
    case ErrorKind::cancelled:
      return "api_error";
    default:
      return "invalid_request_error";
  }
}

// The provider's own body under our id of the request: it is what the caller can ask the operator about.
std::string under_our_id(const std::string& body, std::string_view request_id) {
  std::string id = "\"";
  append_json_escaped(id, request_id);
  id += '"';
  JsonReader in(body);
  std::vector<Edit> edits;
  if (in.peek() == JsonReader::Kind::object) in.enter_object();
  while (in.next_member()) {
    const bool theirs = in.key() == "request_id";
    const Span value = in.skip();
    if (theirs && edits.empty()) edits.push_back({value, id});
  }
  return in.ok() ? splice(body, std::move(edits)) : body;
}

// RFC 3339, in UTC.
std::string timestamp(std::int64_t unix_seconds) {
  using namespace std::chrono;
  const sys_seconds when{seconds(unix_seconds)};
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const hh_mm_ss time(when - day);
  char out[32];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return out;
}

void write_model(const ModelEntry& model, JsonWriter& out) {
  out.begin_object();
  out.string("type", "model");
  out.string("id", model.id);
  out.string("display_name", model.id);
  out.string("created_at", timestamp(model.created));
  out.string("lifecycle", "active");  // what is listed here can be called
  out.end_object();
}

}  // namespace

std::string encode_messages_error(const Error& error, std::string_view request_id) {
  if (!error.upstream_body.empty()) return under_our_id(error.upstream_body, request_id);
  JsonWriter out;
  out.begin_object();
  out.string("type", "error");
  out.begin_object("error");
  out.string("type", error_type(error.kind));
  out.string("message", error.message);
  out.end_object();
  out.string("request_id", request_id);
  out.end_object();
  return out.take();
}

std::string encode_messages_model(const ModelEntry& model) {
  JsonWriter out;
  write_model(model, out);
  return out.take();
}

std::string encode_messages_model_list(const std::vector<ModelEntry>& models) {
  JsonWriter out;
  out.begin_object();
  out.begin_array("data");
  for (const ModelEntry& model : models) write_model(model, out);
  out.end_array();
  out.boolean("has_more", false);
  out.key("first_id");
  models.empty() ? out.raw("null") : out.string(models.front().id);
  out.key("last_id");
  models.empty() ? out.raw("null") : out.string(models.back().id);
  out.end_object();
  return out.take();
}

}  // namespace tollgate::providers
