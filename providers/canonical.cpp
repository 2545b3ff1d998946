#include "providers/canonical.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace tollgate::providers {
namespace {

using nlohmann::json;

// Fields that are understood here, or that change nothing about the answer.
constexpr std::array<std::string_view, 16> kUnderstood = {
    "model",    "messages",   "stream",       "stream_options",        "temperature", "top_p",
    "seed",     "max_tokens", "stop",         "max_completion_tokens", "n",           "user",
    "metadata", "store",      "service_tier", "safety_identifier"};

Error invalid(std::string param, std::string message) {
  return Error{.kind = ErrorKind::invalid_request,
               .message = std::move(message),
               .code = "invalid_value",
               .param = std::move(param),
               .retryable = false};
}

Result<std::optional<double>> number_in(const json& request, const char* name, double low, double high) {
  const auto it = request.find(name);
  if (it == request.end() || it->is_null()) return std::optional<double>();
  if (!it->is_number()) return invalid(name, std::string(name) + " must be a number.");
  const double value = it->get<double>();
  if (value < low || value > high)
    return invalid(
        name, std::string(name) + " must be between " + std::to_string(low) + " and " + std::to_string(high) + ".");
  return std::optional<double>(value);
}

void note(std::vector<std::string>& lossy, std::string field) {
  if (std::find(lossy.begin(), lossy.end(), field) == lossy.end()) lossy.push_back(std::move(field));
}

std::string text_of(const json& content, std::vector<std::string>& lossy) {
  if (content.is_string()) return content.get<std::string>();
  std::string out;
  if (!content.is_array()) return out;
  for (const auto& part : content) {
    const auto text = part.find("text");
    if (text != part.end() && text->is_string())
      out += text->get_ref<const std::string&>();
    else
      note(lossy, "messages.content." + part.value("type", std::string("unknown")));
  }
  return out;
}

std::string role_of(const std::string& role) {
  if (role == "developer") return "system";
  return role == "function" ? "tool" : role;
}

void read_messages(const json& request, CanonicalRequest& out) {
  for (const auto& message : request.at("messages")) {
    CanonicalMessage m;
    m.role = role_of(message.at("role").get<std::string>());
    if (const auto content = message.find("content"); content != message.end())
      m.content = text_of(*content, out.lossy);
    if (message.contains("tool_calls")) note(out.lossy, "messages.tool_calls");
    out.messages.push_back(std::move(m));
  }
}

Status read_stop(const json& request, CanonicalRequest& out) {
  const auto stop = request.find("stop");
  if (stop == request.end() || stop->is_null()) return {};
  if (stop->is_string()) {
    out.stop.push_back(stop->get<std::string>());
    return {};
  }
  if (!stop->is_array() || stop->size() > 4)
    return invalid("stop", "stop must be a string or an array of up to 4 strings.");
  for (const auto& s : *stop) {
    if (!s.is_string()) return invalid("stop", "stop must be a string or an array of up to 4 strings.");
    out.stop.push_back(s.get<std::string>());
  }
  return {};
}

void read_caps(const json& request, CanonicalRequest& out) {
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    const auto cap = request.find(name);
    if (cap == request.end() || !cap->is_number_integer()) continue;
    const auto value = cap->get<std::int64_t>();
    out.max_tokens = std::min(out.max_tokens.value_or(value), value);
  }
}

}  // namespace

Result<CanonicalRequest> canonicalise(std::string_view body) {
  const json request = json::parse(body, nullptr, false);
  if (!request.is_object()) return invalid("", "The request body is not a JSON object.");
  CanonicalRequest out;
  read_messages(request, out);
  TG_TRY(out.temperature, number_in(request, "temperature", 0, 2));
  TG_TRY(out.top_p, number_in(request, "top_p", 0, 1));
  TG_CHECK(read_stop(request, out));
  read_caps(request, out);
  if (const auto seed = request.find("seed"); seed != request.end() && seed->is_number_integer())
    out.seed = seed->get<std::int64_t>();
  if (const auto n = request.find("n"); n != request.end() && n->is_number_integer()) out.n = n->get<std::int64_t>();
  for (const auto& [name, value] : request.items())
    if (!value.is_null() && std::find(kUnderstood.begin(), kUnderstood.end(), name) == kUnderstood.end())
      note(out.lossy, name);
  return out;
}

}  // namespace tollgate::providers
