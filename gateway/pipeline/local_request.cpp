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

using Part = providers::CanonicalPart;

std::string result_text(const Part& result) {
  std::string out;
  for (const auto& inner : result.content) out += inner.text;
  return out;
}

// Results of tools are messages of their own, before what else the message says.
void add_message(const providers::CanonicalMessage& message, std::vector<local_backend::Message>& out) {
  local_backend::Message said{.role = std::string(role_name(message.role)), .content = message.text()};
  bool results = false;
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::tool_call) said.tool_calls.push_back({part.id, part.name, part.text});
    if (part.kind != Part::Kind::tool_result) continue;
    results = true;
    out.push_back({.role = "tool", .content = result_text(part), .tool_call_id = part.id});
  }
  if (!results || !said.content.empty()) out.push_back(std::move(said));
}

bool may_call(const providers::CanonicalRequest& request) {
  return !request.tools.empty() && request.tool_choice.mode != providers::ToolChoice::Mode::none;
}

void add_tools(const providers::CanonicalRequest& canonical, local_backend::GenerateRequest& out) {
  using From = providers::ToolChoice::Mode;
  using To = local_backend::ToolChoice::Mode;
  static constexpr std::pair<From, To> kModes[] = {{From::unset, To::automatic},
                                                   {From::none, To::none},
                                                   {From::automatic, To::automatic},
                                                   {From::required, To::required},
                                                   {From::function, To::function}};
  const auto& choice = canonical.tool_choice;
  const auto allowed = [&choice](const std::string& name) {
    return choice.allowed.empty() || std::ranges::find(choice.allowed, name) != choice.allowed.end();
  };
  for (const auto& tool : canonical.tools)
    if (allowed(tool.name)) out.tools.push_back({tool.name, tool.description, tool.schema});
  out.tool_choice = {std::ranges::find(kModes, choice.mode, &std::pair<From, To>::first)->second, choice.function};
  out.parallel_tool_calls = canonical.parallel_tool_calls.value_or(true);
}

// The model reads text: what else a message holds is left out, and the caller is told.
void note_part(const Part& part, bool takes_tools, std::vector<std::string>& lossy) {
  using Kind = Part::Kind;
  static constexpr std::pair<Kind, std::string_view> kNames[] = {{Kind::image, "messages.content.image_url"},
                                                                 {Kind::audio, "messages.content.input_audio"},
                                                                 {Kind::file, "messages.content.file"}};
  if (part.kind == Kind::tool_call && !takes_tools) providers::note_lossy(lossy, "messages.tool_calls");
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
      return invalid_value(extra.name, "'" + extra.name + "' must be " + std::string(known->wanted) + ".",
                           "invalid_type");
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
  for (const auto& message : canonical.messages) add_message(message, out.messages);
  out.sampling = sampling_of(canonical);
  TG_CHECK(read_extensions(canonical, out.sampling));
  out.format = format_of(canonical.response_format);
  add_tools(canonical, out);
  out.department = department;
  return out;
}

std::vector<std::string> left_out_by_local_model(const providers::CanonicalRequest& request, bool takes_tools) {
  std::vector<std::string> lossy = request.lossy;
  const auto note = [&lossy](bool asked, std::string_view field) {
    if (asked) providers::note_lossy(lossy, field);
  };
  for (const auto& message : request.messages)
    for (const auto& part : message.parts) note_part(part, takes_tools, lossy);
  note(!takes_tools && !request.tools.empty(), "tools");
  note(!takes_tools && request.tool_choice.mode != providers::ToolChoice::Mode::unset, "tool_choice");
  note(!takes_tools && request.parallel_tool_calls.has_value(), "parallel_tool_calls");
  note(takes_tools && may_call(request) && request.logprobs, "logprobs");
  note(request.reasoning_effort != providers::ReasoningEffort::unset, "reasoning_effort");
  for (const auto& extra : request.extras) note(extension(extra.name) == nullptr, extra.name);
  return lossy;
}

}  // namespace tollgate::pipeline
