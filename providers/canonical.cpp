// The members of a chat request but for messages and tools (OpenAI API reference, chat/completions/create).
#include "providers/canonical.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

#include "providers/canonical_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Members that change nothing about the answer, or that the upstream sets itself.
constexpr std::array<std::string_view, 9> kWithoutEffect = {"model",
                                                            "stream",
                                                            "stream_options",
                                                            "metadata",
                                                            "store",
                                                            "service_tier",
                                                            "prompt_cache_key",
                                                            "prompt_cache_retention",
                                                            "prompt_cache_options"};

constexpr std::pair<std::string_view, ReasoningEffort> kEfforts[] = {
    {"none", ReasoningEffort::none},     {"minimal", ReasoningEffort::minimal}, {"low", ReasoningEffort::low},
    {"medium", ReasoningEffort::medium}, {"high", ReasoningEffort::high},       {"xhigh", ReasoningEffort::xhigh},
    {"max", ReasoningEffort::max}};

std::string shown(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

Status read_cap(Reading& reading, std::string_view name) {
  std::optional<std::int64_t> cap;
  TG_CHECK(read_integer(reading, name, 1, std::numeric_limits<std::int32_t>::max(), cap));
  auto& out = reading.out.max_tokens;
  if (cap) out = std::min(out.value_or(*cap), *cap);
  return {};
}

Status read_stop(Reading& reading) {
  constexpr std::size_t kMaxStops = 4;
  auto& out = reading.out.stop;
  if (reading.in.null()) return {};
  if (reading.in.peek() == Kind::string) return read_string(reading, "stop", out.emplace_back());
  return read_array(reading, "stop", [&]() -> Status {
    if (reading.in.peek() != Kind::string || out.size() == kMaxStops)
      return invalid_value("stop", "'stop' must be a string or an array of up to 4 strings.");
    return read_string(reading, "stop", out.emplace_back());
  });
}

Status read_logprobs(Reading& reading) {
  std::optional<bool> wanted;
  TG_CHECK(read_boolean(reading, "logprobs", wanted));
  reading.out.logprobs = wanted.value_or(false);
  return {};
}

Status read_count_of_choices(Reading& reading) {
  std::optional<std::int64_t> n;
  TG_CHECK(read_integer(reading, "n", 1, 128, n));
  reading.out.n = n.value_or(1);
  return {};
}

// Whichever of the two is there; safety_identifier is the newer name.
Status read_user(Reading& reading, bool newer) {
  std::string user;
  TG_CHECK(read_string(reading, newer ? "safety_identifier" : "user", user));
  if (newer || reading.out.user.empty()) reading.out.user = std::move(user);
  return {};
}

Status read_extra(Reading& reading, const std::string& name) {
  if (reading.in.null()) return {};
  const Span value = reading.in.skip();
  reading.out.extras.push_back({name, std::string(reading.in.view(value))});
  return {};
}

Status read_parameter(Reading& reading, const std::string& name) {
  constexpr auto kAnyInteger = std::numeric_limits<std::int64_t>::max();
  CanonicalRequest& out = reading.out;
  if (name == "temperature") return read_number(reading, name, 0, 2, out.temperature);
  if (name == "top_p") return read_number(reading, name, 0, 1, out.top_p);
  if (name == "frequency_penalty") return read_number(reading, name, -2, 2, out.frequency_penalty);
  if (name == "presence_penalty") return read_number(reading, name, -2, 2, out.presence_penalty);
  if (name == "top_k") return read_integer(reading, name, 0, 1'000'000, out.top_k);
  if (name == "seed") return read_integer(reading, name, -kAnyInteger, kAnyInteger, out.seed);
  if (name == "max_tokens" || name == "max_completion_tokens") return read_cap(reading, name);
  if (name == "top_logprobs") return read_integer(reading, name, 0, 20, out.top_logprobs);
  if (name == "logprobs") return read_logprobs(reading);
  if (name == "n") return read_count_of_choices(reading);
  if (name == "stop") return read_stop(reading);
  if (name == "reasoning_effort") return read_effort(reading, name);
  if (name == "user" || name == "safety_identifier") return read_user(reading, name != "user");
  if (name == "parallel_tool_calls") return read_boolean(reading, name, out.parallel_tool_calls);
  return read_extra(reading, name);
}

Status read_member(Reading& reading, const std::string& name) {
  if (name == "messages") return read_messages(reading);
  if (name == "tools" || name == "functions") return read_tools(reading, name == "functions");
  if (name == "tool_choice" || name == "function_call") return read_tool_choice(reading, name == "function_call");
  if (name == "response_format") return read_response_format(reading);
  if (std::find(kWithoutEffect.begin(), kWithoutEffect.end(), name) != kWithoutEffect.end()) return skip_value(reading);
  return read_parameter(reading, name);
}

}  // namespace

Error wrong_type(const Reading& reading, Kind found, std::string_view member, std::string_view wanted) {
  const std::string path = reading.place.path(member);
  Error error = invalid_value(path, "Invalid type for '" + path + "': expected " + std::string(wanted) + ", but got " +
                                        std::string(name_of(found)) + ".");
  error.code = "invalid_type";
  return error;
}

Status read_string(Reading& reading, std::string_view member, std::string& out) {
  if (reading.in.null()) return {};
  const Kind kind = reading.in.peek();
  if (kind != Kind::string) return wrong_type(reading, kind, member, "a string");
  out = reading.in.decode(reading.in.string());
  return {};
}

Status read_boolean(Reading& reading, std::string_view member, std::optional<bool>& out) {
  if (reading.in.null()) return {};
  const Kind kind = reading.in.peek();
  if (kind != Kind::boolean) return wrong_type(reading, kind, member, "a boolean");
  out = reading.in.boolean();
  return {};
}

Status read_number(Reading& reading, std::string_view name, double low, double high, std::optional<double>& out) {
  if (reading.in.null()) return {};
  const Kind kind = reading.in.peek();
  if (kind != Kind::number) return wrong_type(reading, kind, name, "a number");
  const auto text = reading.in.view(reading.in.skip());
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < low || value > high)
    return invalid_value(std::string(name),
                         "'" + std::string(name) + "' must be between " + shown(low) + " and " + shown(high) + ".");
  out = value;
  return {};
}

Status read_integer(Reading& reading, std::string_view name, std::int64_t low, std::int64_t high,
                    std::optional<std::int64_t>& out) {
  if (reading.in.null()) return {};
  const Kind kind = reading.in.peek();
  if (kind != Kind::number) return wrong_type(reading, kind, name, "an integer");
  const auto value = reading.in.integer();
  if (!value || *value < low || *value > high)
    return invalid_value(std::string(name), "'" + std::string(name) + "' must be an integer from " +
                                                std::to_string(low) + " to " + std::to_string(high) + ".");
  out = value;
  return {};
}

Status read_raw_object(Reading& reading, std::string_view member, std::string& out) {
  if (reading.in.null()) return {};
  const Kind kind = reading.in.peek();
  if (kind != Kind::object) return wrong_type(reading, kind, member, "an object");
  const Span span = reading.in.skip();
  out = reading.in.view(span);
  return {};
}

Status read_base64(Reading& reading, std::string_view member, std::string& out) {
  TG_CHECK(read_string(reading, member, out));
  if (is_base64(out)) return {};
  const std::string path = reading.place.path(member);
  return invalid_value(path, "'" + path + "' is not base64.");
}

Status read_effort(Reading& reading, std::string_view member) {
  std::string word;
  TG_CHECK(read_string(reading, member, word));
  if (word.empty()) return {};
  for (const auto& [name, effort] : kEfforts)
    if (word == name) reading.out.reasoning_effort = effort;
  if (reading.out.reasoning_effort == ReasoningEffort::unset)
    return invalid_value(std::string(member), "'" + std::string(member) +
                                                  "' must be one of none, minimal, low, medium, high, xhigh and max.");
  return {};
}

Status read_cache_mark(Reading& reading, CacheMark& out) {
  if (reading.in.null()) return {};
  std::string ttl;
  TG_CHECK(read_object(reading, "cache_control", [&](const std::string& key) {
    return key == "ttl" ? read_string(reading, "cache_control.ttl", ttl) : skip_value(reading);
  }));
  out = ttl == "1h" ? CacheMark::one_hour : CacheMark::five_minutes;
  return {};
}

Error too_long(std::string_view list, int limit) {
  return invalid_value(std::string(list),
                       "'" + std::string(list) + "' is too long: at most " + std::to_string(limit) + " are read.");
}

Status read_nothing_more(Reading& reading) {
  if (reading.in.at_end()) return {};
  return invalid_value("", "The request body is not valid JSON: " + std::string(reading.in.fault()) + ".");
}

void note_lossy(std::vector<std::string>& lossy, std::string_view field) {
  constexpr std::size_t kMaxFields = 32;
  constexpr std::size_t kMaxName = 64;
  std::string name(field.substr(0, kMaxName));
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-'; };
  std::replace_if(name.begin(), name.end(), std::not_fn(plain), '_');
  if (lossy.size() < kMaxFields && std::find(lossy.begin(), lossy.end(), name) == lossy.end())
    lossy.push_back(std::move(name));
}

std::string listed(const std::vector<std::string>& fields) {
  std::string out;
  for (const std::string& field : fields) out += (out.empty() ? "" : ", ") + field;
  return out;
}

std::string CanonicalMessage::text() const {
  std::string out;
  for (const CanonicalPart& part : parts)
    if (part.kind == CanonicalPart::Kind::text || part.kind == CanonicalPart::Kind::refusal) out += part.text;
  return out;
}

Result<CanonicalRequest> canonicalise(std::string_view body) {
  Reading reading(body);
  TG_CHECK(read_request(reading, [&](const std::string& name) { return read_member(reading, name); }));
  return std::move(reading.out);
}

}  // namespace tollgate::providers
