#include "gateway/pipeline/local_request.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "providers/json_reader.h"

namespace tollgate::pipeline {
namespace {

using local_backend::SamplingParams;
using providers::JsonReader;
using JsonKind = JsonReader::Kind;

std::string_view role_name(providers::Role role) {
  switch (role) {
    case providers::Role::system:
      return "system";
    case providers::Role::assistant:
      return "assistant";
    case providers::Role::tool:
      return "tool";
    default:
      return "user";
  }
}

// A tool's result is text of its own part.
std::string text_of(const providers::CanonicalMessage& message) {
  std::string out = message.text();
  for (const auto& part : message.parts)
    for (const auto& inner : part.content) out += inner.text;
  return out;
}

// The model reads text: what else a message holds is left out, and the caller is told.
void note_part(const providers::CanonicalPart& part, std::vector<std::string>& lossy) {
  using Kind = providers::CanonicalPart::Kind;
  static constexpr std::pair<Kind, std::string_view> kNames[] = {{Kind::image, "messages.content.image_url"},
                                                                 {Kind::audio, "messages.content.input_audio"},
                                                                 {Kind::file, "messages.content.file"},
                                                                 {Kind::tool_call, "messages.tool_calls"}};
  for (const auto& [kind, name] : kNames)
    if (part.kind == kind) providers::note_lossy(lossy, name);
  if (part.kind == Kind::unknown) providers::note_lossy(lossy, "messages.content." + part.name);
}

// --- what servers of open models take beside OpenAI's own parameters ---

bool read(JsonReader& in, double& out) {
  if (in.peek() != JsonKind::number) return false;
  const std::string_view text = in.view(in.skip());
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
}

bool read(JsonReader& in, int& out) {
  if (in.peek() != JsonKind::number) return false;
  const auto value = in.integer();
  if (!value || *value < 0 || *value > 1'000'000'000) return false;
  out = static_cast<int>(*value);
  return true;
}

bool read(JsonReader& in, bool& out) {
  if (in.peek() != JsonKind::boolean) return false;
  out = in.boolean();
  return true;
}

bool read(JsonReader& in, std::vector<int>& out) {
  if (in.peek() != JsonKind::array) return false;
  bool sound = true;
  for (in.enter_array(); sound && in.next_element();) sound = read(in, out.emplace_back());
  return sound;
}

// {"123": -100}
bool read(JsonReader& in, std::vector<std::pair<int, double>>& out) {
  if (in.peek() != JsonKind::object) return false;
  bool sound = true;
  for (in.enter_object(); sound && in.next_member();) {
    auto& [token, bias] = out.emplace_back();
    const std::string_view key = in.key();
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    sound = error == std::errc() && end == key.data() + key.size() && read(in, bias);
  }
  return sound;
}

template <auto kMember>
bool read_into(JsonReader& in, SamplingParams& out) {
  return read(in, out.*kMember);
}

struct Extension {
  std::string_view name;
  bool (*read)(JsonReader&, SamplingParams&);
  std::string_view wanted;
};

constexpr Extension kExtensions[] = {
    {"min_p", read_into<&SamplingParams::min_p>, "a number"},
    {"repetition_penalty", read_into<&SamplingParams::repetition_penalty>, "a number"},
    {"min_tokens", read_into<&SamplingParams::min_tokens>, "an integer from 0"},
    {"ignore_eos", read_into<&SamplingParams::ignore_eos>, "a boolean"},
    {"stop_token_ids", read_into<&SamplingParams::stop_token_ids>, "a list of tokens' ids"},
    {"logit_bias", read_into<&SamplingParams::logit_bias>, "an object of tokens' ids and numbers"}};

const Extension* extension(std::string_view name) {
  const auto* found = std::ranges::find(kExtensions, name, &Extension::name);
  return found == std::end(kExtensions) ? nullptr : found;
}

Status read_extensions(const providers::CanonicalRequest& canonical, SamplingParams& out) {
  for (const auto& extra : canonical.extras) {
    const Extension* known = extension(extra.name);
    if (known == nullptr) continue;
    JsonReader in(extra.json);
    if (!known->read(in, out))
      return Error{.kind = ErrorKind::invalid_request,
                   .message = "'" + extra.name + "' must be " + std::string(known->wanted) + ".",
                   .code = "invalid_type",
                   .param = extra.name,
                   .retryable = false};
  }
  return {};
}

SamplingParams sampling_of(const providers::CanonicalRequest& canonical) {
  const auto bounded = [](std::optional<std::int64_t> value) {
    return static_cast<int>(std::min<std::int64_t>(value.value_or(0), 1 << 20));
  };
  SamplingParams out;
  out.temperature = canonical.temperature.value_or(1.0);
  out.top_p = canonical.top_p.value_or(1.0);
  out.top_k = bounded(canonical.top_k);
  out.seeded = canonical.seed.has_value();
  out.seed = static_cast<std::uint64_t>(canonical.seed.value_or(0));
  out.max_tokens = bounded(canonical.max_tokens);
  out.stop = canonical.stop;
  out.presence_penalty = canonical.presence_penalty.value_or(0);
  out.frequency_penalty = canonical.frequency_penalty.value_or(0);
  out.n = static_cast<int>(canonical.n);
  if (canonical.logprobs) out.logprobs = bounded(canonical.top_logprobs);
  return out;
}

local_backend::OutputFormat format_of(const providers::ResponseFormat& format) {
  using From = providers::ResponseFormat::Kind;
  using To = local_backend::OutputFormat::Kind;
  if (format.kind == From::json_schema) return {To::json_schema, format.schema.empty() ? "{}" : format.schema};
  return {format.kind == From::json_object ? To::json_object : To::text, {}};
}

}  // namespace

Result<local_backend::GenerateRequest> local_request(const providers::CanonicalRequest& canonical,
                                                     const std::string& department) {
  local_backend::GenerateRequest out;
  for (const auto& m : canonical.messages) out.messages.push_back({std::string(role_name(m.role)), text_of(m)});
  out.sampling = sampling_of(canonical);
  TG_CHECK(read_extensions(canonical, out.sampling));
  out.format = format_of(canonical.response_format);
  out.department = department;
  return out;
}

std::vector<std::string> left_out_by_local_model(const providers::CanonicalRequest& request) {
  std::vector<std::string> lossy = request.lossy;
  const auto note = [&lossy](bool asked, std::string_view field) {
    if (asked) providers::note_lossy(lossy, field);
  };
  for (const auto& message : request.messages)
    for (const auto& part : message.parts) note_part(part, lossy);
  note(!request.tools.empty(), "tools");
  note(request.tool_choice.mode != providers::ToolChoice::Mode::unset, "tool_choice");
  note(request.parallel_tool_calls.has_value(), "parallel_tool_calls");
  note(request.reasoning_effort != providers::ReasoningEffort::unset, "reasoning_effort");
  for (const auto& extra : request.extras) note(extension(extra.name) == nullptr, extra.name);
  return lossy;
}

}  // namespace tollgate::pipeline
