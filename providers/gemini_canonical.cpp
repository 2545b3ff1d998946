// A generateContent request with the wire format taken off (Gemini API reference, GenerationConfig and Tool).
#include <cmath>
#include <limits>

#include "providers/gemini_call.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Effort = ReasoningEffort;
using Mode = ToolChoice::Mode;

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

Status note_extra(Reading& reading, const std::string& name) {
  if (reading.in.peek() != Kind::null) note_lossy(reading.out.lossy, name);
  return skip_value(reading);
}

// --- generationConfig ---

class ConfigReader {
 public:
  explicit ConfigReader(Reading& reading) : reading_(reading), in_(reading.in), out_(reading.out) {}

  Status run() {
    if (in_.null()) return {};
    TG_CHECK(
        read_object(reading_, "generationConfig", [this](const std::string& key) { return member(camel_case(key)); }));
    return settle_format();
  }

 private:
  Status member(const std::string& name) {
    const std::string path = "generationConfig." + name;
    if (name == "temperature") return read_number(reading_, path, 0, 2, out_.temperature);
    if (name == "topP") return read_number(reading_, path, 0, 1, out_.top_p);
    if (name == "topK") return top_k(path);
    if (name == "maxOutputTokens") return read_integer(reading_, path, 1, kMost, out_.max_tokens);
    if (name == "presencePenalty") return read_number(reading_, path, -2, 2, out_.presence_penalty);
    if (name == "frequencyPenalty") return read_number(reading_, path, -2, 2, out_.frequency_penalty);
    if (name == "seed") return read_integer(reading_, path, -kMost - 1, kMost, out_.seed);
    if (name == "candidateCount") return candidates(path);
    if (name == "stopSequences") return stops(path);
    if (name == "responseLogprobs") return log_probabilities(path);
    if (name == "logprobs") return read_integer(reading_, path, 0, 20, out_.top_logprobs);
    if (name == "responseMimeType") return read_string(reading_, path, mime_type_);
    if (name == "responseSchema") return read_raw_object(reading_, path, schema_);
    if (name == "responseJsonSchema") return read_raw_object(reading_, path, json_schema_);
    if (name == "responseModalities") return modalities(path);
    if (name == "thinkingConfig") return thinking(path);
    return note_extra(reading_, path);
  }

  // A float in this API.
  Status top_k(const std::string& path) {
    std::optional<double> value;
    TG_CHECK(read_number(reading_, path, 0, 1'000'000, value));
    if (value) out_.top_k = std::llround(*value);
    return {};
  }

  Status candidates(const std::string& path) {
    std::optional<std::int64_t> n;
    TG_CHECK(read_integer(reading_, path, 1, 8, n));
    out_.n = n.value_or(1);
    return {};
  }

  Status stops(const std::string& path) {
    constexpr std::size_t kMaxStops = 16;
    if (in_.null()) return {};
    return read_array(reading_, path, [&]() -> Status {
      if (out_.stop.size() == kMaxStops) return invalid_value(path, "Too many stop sequences: at most 16 are read.");
      return read_string(reading_, path, out_.stop.emplace_back());
    });
  }

  Status log_probabilities(const std::string& path) {
    std::optional<bool> wanted;
    TG_CHECK(read_boolean(reading_, path, wanted));
    out_.logprobs = wanted.value_or(false);
    return {};
  }

  Status modalities(const std::string& path) {
    if (in_.null()) return {};
    return read_array(reading_, path, [&]() -> Status {
      std::string modality;
      TG_CHECK(read_string(reading_, path, modality));
      if (modality == "TEXT") return {};
      return only_at_google(path, "a wish for answers other than text");
    });
  }

  // --- structured output ---

  Status settle_format() {
    ResponseFormat& format = out_.response_format;
    if (mime_type_ == "application/json") format.kind = ResponseFormat::Kind::json_object;
    if (mime_type_ == "text/x.enum") note_lossy(out_.lossy, "generationConfig.responseMimeType");
    if (mime_type_ != "application/json" || (schema_.empty() && json_schema_.empty())) return {};
    JsonSchema schema = json_schema_.empty() ? closed_from_google(schema_) : closed_schema(json_schema_);
    format.kind = ResponseFormat::Kind::json_schema;
    format.name = "response";
    format.schema = std::move(schema.text);
    format.strict = schema.strict;
    return {};
  }

  // --- thinking ---

  Status thinking(const std::string& path) {
    if (in_.null()) return {};
    std::optional<bool> shown;
    std::optional<std::int64_t> budget;
    std::string level;
    TG_CHECK(read_object(reading_, path, [&](const std::string& key) -> Status {
      const std::string name = camel_case(key);
      if (name == "includeThoughts") return read_boolean(reading_, path + "." + name, shown);
      if (name == "thinkingBudget") return read_integer(reading_, path + "." + name, -1, kMost, budget);
      if (name == "thinkingLevel") return read_string(reading_, path + "." + name, level);
      return note_extra(reading_, path + "." + name);
    }));
    settle_thinking(shown.value_or(false), budget, level);
    return {};
  }

  // Where the model may choose (a budget of -1, or none at all), it thinks much.
  void settle_thinking(bool shown, std::optional<std::int64_t> budget, std::string_view level) {
    constexpr std::int64_t kLow = 4096;
    constexpr std::int64_t kMedium = 16 * 1024;
    static constexpr std::pair<std::string_view, Effort> kLevels[] = {
        {"MINIMAL", Effort::minimal}, {"LOW", Effort::low}, {"MEDIUM", Effort::medium}, {"HIGH", Effort::high}};
    Effort& effort = out_.reasoning_effort;
    if (shown || budget == -1) effort = Effort::high;
    for (const auto& [word, value] : kLevels)
      if (level == word) effort = value;
    if (budget == 0) effort = Effort::none;
    if (!budget || *budget < 1) return;
    effort = *budget < kLow ? Effort::low : *budget < kMedium ? Effort::medium : Effort::high;
    out_.reasoning_budget = *budget;
  }

  Reading& reading_;
  JsonReader& in_;
  CanonicalRequest& out_;
  std::string mime_type_;
  std::string schema_;       // Google's
  std::string json_schema_;  // JSON Schema
};

// --- tools ---

Status read_declaration(Reading& reading) {
  if (reading.out.tools.size() == kMaxTools) return too_long("tools", kMaxTools);
  CanonicalTool tool;
  std::string parameters;
  TG_CHECK(read_object(reading, "", [&](const std::string& key) -> Status {
    const std::string name = camel_case(key);
    if (name == "name") return read_string(reading, name, tool.name);
    if (name == "description") return read_string(reading, name, tool.description);
    if (name == "parameters") return read_raw_object(reading, name, parameters);
    if (name == "parametersJsonSchema") return read_raw_object(reading, name, tool.schema);
    return note_extra(reading, "tools.functionDeclarations." + name);
  }));
  const std::string path = reading.place.path("functionDeclarations");
  if (tool.name.empty()) return invalid_value(path, "A function needs a name: add 'name'.");
  if (tool.schema.empty() && !parameters.empty()) tool.schema = schema_from_google(parameters);
  reading.out.tools.push_back(std::move(tool));
  return {};
}

Status read_tool(Reading& reading) {
  return read_object(reading, "", [&](const std::string& key) -> Status {
    const std::string name = camel_case(key);
    if (reading.in.null()) return {};
    if (name != "functionDeclarations")
      return only_at_google(reading.place.path(""), "the tool '" + name.substr(0, 64) + "'");
    return read_array(reading, name, [&] { return read_declaration(reading); });
  });
}

Status read_calling_config(Reading& reading) {
  constexpr std::string_view kPath = "toolConfig.functionCallingConfig";
  ToolChoice& out = reading.out.tool_choice;
  std::string mode;
  TG_CHECK(read_object(reading, kPath, [&](const std::string& key) -> Status {
    const std::string name = camel_case(key);
    if (reading.in.null()) return {};
    if (name == "mode") return read_string(reading, std::string(kPath) + ".mode", mode);
    if (name != "allowedFunctionNames") return note_extra(reading, std::string(kPath) + "." + name);
    return read_array(reading, name, [&] { return read_string(reading, name, out.allowed.emplace_back()); });
  }));
  static constexpr std::pair<std::string_view, Mode> kModes[] = {
      {"AUTO", Mode::automatic}, {"VALIDATED", Mode::automatic}, {"ANY", Mode::required}, {"NONE", Mode::none}};
  for (const auto& [word, value] : kModes)
    if (mode == word) out.mode = value;
  if (out.mode == Mode::required && out.allowed.size() == 1) {
    out.mode = Mode::function;
    out.function = std::move(out.allowed.front());
    out.allowed.clear();
  }
  return {};
}

// --- the whole ---

class RequestReading {
 public:
  explicit RequestReading(std::string_view body) : reading_(body) {}

  Result<CanonicalRequest> run() {
    TG_CHECK(read_request(reading_, [this](const std::string& key) { return member(camel_case(key)); }));
    return std::move(reading_.out);
  }

 private:
  Status member(const std::string& name) {
    if (name == "contents") return read_gemini_contents(reading_);
    if (name == "model" || reading_.in.peek() == Kind::null) return skip_value(reading_);
    if (name == "systemInstruction") return read_gemini_system(reading_);
    if (name == "generationConfig") return ConfigReader(reading_).run();
    if (name == "tools") return read_gemini_tools(reading_);
    if (name == "toolConfig") return read_gemini_tool_config(reading_);
    if (name == "cachedContent") return only_at_google("cachedContent", "content that Google keeps");
    if (name == "generateContentRequest")
      return read_object(reading_, name, [this](const std::string& key) { return member(camel_case(key)); });
    return note_extra(reading_, name);
  }

  Reading reading_;
};

}  // namespace

Status read_gemini_tools(Reading& reading) {
  return read_list(reading, "tools", kMaxTools, [&] { return read_tool(reading); });
}

Status read_gemini_tool_config(Reading& reading) {
  return read_object(reading, "toolConfig", [&](const std::string& key) -> Status {
    const std::string name = camel_case(key);
    if (reading.in.null()) return {};
    return name == "functionCallingConfig" ? read_calling_config(reading) : note_extra(reading, "toolConfig." + name);
  });
}

Result<CanonicalRequest> canonicalise_gemini(std::string_view body) { return RequestReading(body).run(); }

}  // namespace tollgate::providers
