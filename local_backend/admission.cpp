#include "local_backend/admission.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxStops = 4;
constexpr std::size_t kMaxStopBytes = 512;
constexpr std::size_t kMaxMessages = 4096;
constexpr std::size_t kMaxIds = 1024;
constexpr int kMaxChoices = 8;
constexpr double kLargest = 1e9;

bool known_role(const std::string& role) {
  return role == "system" || role == "user" || role == "assistant" || role == "tool";
}

struct Complaint {
  std::string message;  // empty: none
  std::string param = {};
};

Complaint about_messages(const std::vector<Message>& messages) {
  if (messages.empty()) return {"messages must not be empty", "messages"};
  if (messages.size() > kMaxMessages) return {"too many messages", "messages"};
  for (const Message& m : messages) {
    if (!known_role(m.role)) return {"a role must be system, user, assistant or tool", "messages"};
  }
  return {};
}

struct Range {
  const char* name;
  double value;
  double low;
  double high;
};

Complaint about_ranges(const SamplingParams& s) {
  for (const Range& range :
       {Range{"temperature", s.temperature, 0, 100}, Range{"min_p", s.min_p, 0, 1},
        Range{"top_k", static_cast<double>(s.top_k), 0, kLargest},
        Range{"max_tokens", static_cast<double>(s.max_tokens), 0, kLargest},
        Range{"min_tokens", static_cast<double>(s.min_tokens), 0, kLargest},
        Range{"presence_penalty", s.presence_penalty, -2, 2}, Range{"frequency_penalty", s.frequency_penalty, -2, 2},
        Range{"repetition_penalty", s.repetition_penalty, 0.01, 100},
        Range{"top_logprobs", static_cast<double>(s.logprobs), -1, 20},
        Range{"n", static_cast<double>(s.n), 1, kMaxChoices}}) {
    if (range.value >= range.low && range.value <= range.high) continue;
    return {std::string(range.name) + " is out of its range", range.name};
  }
  if (!(s.top_p > 0 && s.top_p <= 1)) return {"top_p must be above 0 and at most 1", "top_p"};
  return {};
}

Complaint about_lists(const SamplingParams& s, int vocabulary) {
  if (s.stop.size() > kMaxStops) return {"at most 4 stop strings are allowed", "stop"};
  for (const std::string& stop : s.stop) {
    if (stop.empty() || stop.size() > kMaxStopBytes) return {"a stop string must have 1 to 512 bytes", "stop"};
  }
  if (s.stop_token_ids.size() > kMaxIds) return {"too many stop_token_ids", "stop_token_ids"};
  if (s.logit_bias.size() > kMaxIds) return {"too many entries of logit_bias", "logit_bias"};
  const auto known = [vocabulary](int id) { return id >= 0 && id < vocabulary; };
  if (!std::ranges::all_of(s.stop_token_ids, known)) return {"stop_token_ids has an unknown token", "stop_token_ids"};
  for (const auto& [id, bias] : s.logit_bias) {
    if (!known(id)) return {"logit_bias has an unknown token", "logit_bias"};
    if (!(bias >= -100 && bias <= 100)) return {"a logit_bias must be from -100 to 100", "logit_bias"};
  }
  return {};
}

Complaint complaint(const GenerateRequest& request, int vocabulary) {
  for (Complaint found :
       {about_messages(request.messages), about_ranges(request.sampling), about_lists(request.sampling, vocabulary)}) {
    if (!found.message.empty()) return found;
  }
  return {};
}

SampleRule rule_of(const SamplingParams& s, const Model& model, std::uint64_t fresh_seed) {
  SampleRule rule{.temperature = s.temperature,
                  .top_p = s.top_p,
                  .seed = s.seeded ? s.seed : fresh_seed,
                  .top_k = s.top_k,
                  .min_p = s.min_p,
                  .presence_penalty = s.presence_penalty,
                  .frequency_penalty = s.frequency_penalty,
                  .repetition_penalty = s.repetition_penalty,
                  .bias = s.logit_bias,
                  .enders = model.spec.end_tokens,
                  .min_tokens = s.ignore_eos ? std::numeric_limits<int>::max() : s.min_tokens};
  rule.enders.insert(rule.enders.end(), s.stop_token_ids.begin(), s.stop_token_ids.end());
  return rule;
}

bool is_forced(const ToolChoice& choice) {
  return choice.mode == ToolChoice::Mode::required || choice.mode == ToolChoice::Mode::function;
}

Complaint about_tools(const GenerateRequest& request, const Model& model) {
  const auto is_result = [](const Message& m) { return m.role == "tool"; };
  if (model.facts.takes_tools) {
    const auto named = [&request](const Tool& tool) { return tool.name == request.tool_choice.function; };
    if (request.tool_choice.mode == ToolChoice::Mode::function && std::ranges::none_of(request.tools, named))
      return {"tool_choice names a function that is not among the tools", "tool_choice"};
    if (is_forced(request.tool_choice) && request.tools.empty()) return {"tool_choice needs tools", "tool_choice"};
    return {};
  }
  if (is_forced(request.tool_choice))
    return {"this model's chat template takes no tools: none can be called", "tool_choice"};
  if (std::ranges::any_of(request.messages, is_result))
    return {"this model's chat template takes no tools: leave their results out, or say them as the user", "messages"};
  return {};
}

// How answers are read; null: they are text.
std::shared_ptr<const ToolReading> reading_of(const GenerateRequest& request, const Model& model) {
  const bool forced = is_forced(request.tool_choice);
  const bool formatted = request.format.kind != OutputFormat::Kind::text;
  if (!model.facts.takes_tools || request.tools.empty() || (formatted && !forced)) return nullptr;
  if (request.tool_choice.mode == ToolChoice::Mode::none) return nullptr;
  auto out = std::make_shared<ToolReading>();
  out->syntax = model.chat_template.tools();
  out->forced = forced;
  out->parallel = request.parallel_tool_calls && !forced;
  for (const Tool& tool : request.tools) out->names.push_back(tool.name);
  return out;
}

std::variant<Grammar, SchemaError> forced_call(const GenerateRequest& request, const ToolReading& reading) {
  std::vector<CallForm> forms;
  for (const Tool& tool : request.tools) {
    const bool meant =
        request.tool_choice.mode == ToolChoice::Mode::required || tool.name == request.tool_choice.function;
    if (meant)
      forms.push_back(
          {tool.name, tool.schema.empty() ? "{\"type\":\"object\",\"additionalProperties\":false}" : tool.schema});
  }
  return call_grammar(forms, reading.syntax->arguments);
}

// Null for text.
std::variant<std::shared_ptr<JsonAutomaton>, SchemaError> automaton_of(const GenerateRequest& request,
                                                                       const ToolReading* reading, const Model& model) {
  const OutputFormat& format = request.format;
  const bool forced = reading != nullptr && reading->forced;
  if (format.kind == OutputFormat::Kind::text && !forced) return std::shared_ptr<JsonAutomaton>();
  auto grammar = forced                                           ? forced_call(request, *reading)
                 : format.kind == OutputFormat::Kind::json_object ? json_object_grammar()
                                                                  : schema_grammar(format.schema);
  if (auto* error = std::get_if<SchemaError>(&grammar)) return std::move(*error);
  auto automaton = std::make_shared<JsonAutomaton>(std::get<Grammar>(std::move(grammar)), model.token_order);
  if (!automaton->usable()) return SchemaError{"the JSON schema has too many alternatives for the local model"};
  return automaton;
}

// With the beginning of the answer, where it has to be a call.
std::variant<std::vector<int>, PromptError> prompt_of(const GenerateRequest& request, const ToolReading* reading,
                                                      const Model& model) {
  const bool told =
      model.facts.takes_tools && !request.tools.empty() && request.tool_choice.mode != ToolChoice::Mode::none;
  if (!told) return model.chat_template.prompt(request.messages);
  std::string begun;
  if (reading != nullptr && reading->forced)
    begun = std::string(reading->syntax->open) + std::string(reading->syntax->lead);
  try {
    const Json tools = tool_list(request.tools);
    return model.chat_template.prompt(request.messages, &tools, begun);
  } catch (const std::runtime_error& error) {
    return PromptError{error.what()};
  }
}

GenerateEvent too_long(std::int64_t context) {
  return failure(FailureKind::invalid_request,
                 "the text does not fit into the model's context of " + std::to_string(context) + " tokens",
                 "context_length_exceeded");
}

// The text between the tokens that the model wants around it.
std::variant<std::shared_ptr<Job>, GenerateEvent> admit_embedding(GenerateRequest request, const Model& model,
                                                                  int context) {
  if (model.tokenizer.least_tokens(request.input.size()) > static_cast<std::size_t>(context)) return too_long(context);
  const auto ids = model.tokenizer.encode(model.tokenizer.guard(request.input));
  if (!ids || ids->empty()) return failure(FailureKind::invalid_request, "an input holds no text", {}, "input");
  auto job = std::make_shared<Job>();
  job->prompt = model.embedding.before;
  job->prompt.insert(job->prompt.end(), ids->begin(), ids->end());
  job->prompt.insert(job->prompt.end(), model.embedding.after.begin(), model.embedding.after.end());
  if (job->prompt.size() >= static_cast<std::size_t>(context)) return too_long(context);
  job->embeds = true;
  job->department = std::move(request.department);
  return job;
}

}  // namespace

GenerateEvent failure(FailureKind kind, std::string message, std::string code, std::string param) {
  GenerateEvent out;
  out.kind = GenerateEvent::Kind::failed;
  out.failure = kind;
  out.message = std::move(message);
  out.code = std::move(code);
  out.param = std::move(param);
  return out;
}

std::variant<std::shared_ptr<Job>, GenerateEvent> admit(GenerateRequest request, const Model& model, int context,
                                                        std::uint64_t fresh_seed) {
  if (request.task == Task::embed) return admit_embedding(std::move(request), model, context);
  if (Complaint why = complaint(request, model.spec.vocabulary); !why.message.empty()) {
    return failure(FailureKind::invalid_request, std::move(why.message), "invalid_request", std::move(why.param));
  }
  if (Complaint why = about_tools(request, model); !why.message.empty())
    return failure(FailureKind::invalid_request, std::move(why.message), "invalid_request", std::move(why.param));
  const auto reading = reading_of(request, model);
  auto automaton = automaton_of(request, reading.get(), model);
  if (const auto* error = std::get_if<SchemaError>(&automaton))
    return failure(FailureKind::invalid_request, error->message, "invalid_json_schema",
                   reading && reading->forced ? "tools" : "response_format");
  std::size_t bytes = 0;
  for (const Message& m : request.messages) bytes += m.content.size();
  if (model.tokenizer.least_tokens(bytes) > static_cast<std::size_t>(context)) return too_long(context);
  auto prompt = prompt_of(request, reading.get(), model);
  if (auto* error = std::get_if<PromptError>(&prompt)) {
    return failure(FailureKind::invalid_request, std::move(error->message), "invalid_request");
  }
  auto job = std::make_shared<Job>();
  job->prompt = std::get<std::vector<int>>(std::move(prompt));
  if (job->prompt.empty()) return failure(FailureKind::invalid_request, "the prompt is empty", "invalid_request");
  if (job->prompt.size() >= static_cast<std::size_t>(context)) return too_long(context);
  const int room = context - static_cast<int>(job->prompt.size());
  const SamplingParams& s = request.sampling;
  job->max_new = s.max_tokens == 0 ? room : std::min(s.max_tokens, room);
  job->rule = rule_of(s, model, fresh_seed);
  job->automaton = std::get<std::shared_ptr<JsonAutomaton>>(std::move(automaton));
  job->logprobs = reading ? -1 : s.logprobs;
  job->tools = reading;
  job->choices = s.n;
  job->unfinished = s.n;
  job->stop = s.stop;
  job->department = std::move(request.department);
  job->most_unread = request.most_unread;
  return job;
}

}  // namespace tollgate::local_backend
