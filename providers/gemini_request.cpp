// Chat request -> generateContent request (Vertex AI REST reference, v1; the Gemini API takes the same).
#include <algorithm>
#include <charconv>
#include <utility>

#include "providers/conversation.h"
#include "providers/gemini.h"
#include "providers/identity/url_text.h"
#include "providers/json_reader.h"
#include "providers/json_writer.h"
#include "providers/request_plan.h"
#include "providers/wire_names.h"

namespace tollgate::providers {
namespace {

using Part = CanonicalPart;
using Kind = CanonicalPart::Kind;
using Mode = ToolChoice::Mode;
using Effort = ReasoningEffort;

constexpr NameRule kFunctionNames{"_.:-", 64, true};
constexpr std::int64_t kMaxChoices = 8;

// What stands where a call's own signature is missing: history of another model, or a client that dropped it (Google's
// documentation of thought signatures; base64 of "skip_thought_signature_validator").
constexpr std::string_view kNoSignature = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

struct GeminiVersion {
  int major = 0;  // 0: the name does not tell
  int minor = 0;
};

// "gemini-2.5-pro", "publishers/google/models/gemini-3-flash-preview"
GeminiVersion version_of(std::string_view model) {
  constexpr std::string_view kName = "gemini-";
  GeminiVersion version;
  const auto at = model.find(kName);
  if (at == std::string_view::npos) return version;
  const char* const last = model.data() + model.size();
  const auto major = std::from_chars(model.data() + at + kName.size(), last, version.major);
  if (major.ec == std::errc() && major.ptr != last && *major.ptr == '.')
    std::from_chars(major.ptr + 1, last, version.minor);
  return version;
}

// A file that is fetched by the provider needs a type, which only its name can tell.
std::string_view type_by_name(std::string_view url) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".png", "image/png"}, {".jpg", "image/jpeg"},      {".jpeg", "image/jpeg"}, {".webp", "image/webp"},
      {".gif", "image/gif"}, {".pdf", "application/pdf"}, {".mp3", "audio/mp3"},   {".wav", "audio/wav"},
      {".mp4", "video/mp4"}, {".txt", "text/plain"}};
  for (const auto& [ending, type] : kTypes)
    if (url.ends_with(ending)) return type;
  return {};
}

// The numbers Google's own OpenAI endpoint uses for the same words.
std::int64_t budget_of(Effort effort, bool pro) {
  constexpr std::int64_t kLeastOfPro = 128;  // it cannot be told not to think
  switch (effort) {
    case Effort::none:
      return pro ? kLeastOfPro : 0;
    case Effort::minimal:
    case Effort::low:
      return 1024;
    case Effort::medium:
      return 8 * 1024;
    default:
      return 24 * 1024;
  }
}

std::string_view level_of(Effort effort, bool flash) {
  switch (effort) {
    case Effort::none:
    case Effort::minimal:
      return flash ? "minimal" : "low";
    case Effort::low:
      return "low";
    case Effort::medium:
      return "medium";
    default:
      return "high";
  }
}

// Seeds are int32 there: one that does not fit is folded, so that the same seed stays the same.
std::int64_t fold_seed(std::int64_t seed) {
  constexpr std::int64_t kMax = 0x7FFFFFFF;
  return seed >= -kMax && seed <= kMax ? seed : seed % kMax;
}

class Writer {
 public:
  Writer(CanonicalRequest request, const DialectTarget& target)
      : request_(std::move(request)),
        target_(target),
        version_(version_of(target.model)),
        tools_(plan_tools(request_, native_format())),
        names_(kFunctionNames) {}

  Result<DialectCall> run() {
    if (request_.n > kMaxChoices)
      return invalid_value("n", "This model answers with at most 8 choices.", "unsupported_value");
    TG_TRY(const auto conversation, converse(request_, Replay::none));
    out_.begin_object();
    out_.begin_array("contents");
    for (const Turn& turn : conversation.turns) TG_CHECK(write_turn(turn));
    out_.end_array();
    write_system(conversation.system);
    write_tools();
    write_generation_config();
    out_.end_object();
    return finish();
  }

 private:
  // Before Gemini 3, JSON output and functions exclude each other.
  bool native_format() const { return request_.tools.empty() || version_.major >= 3; }

  // --- content ---

  // Results of functions stand alone in their turn.
  Status write_turn(const Turn& turn) {
    const auto first_other = std::find_if(turn.parts.begin(), turn.parts.end(),
                                          [](const Part& part) { return part.kind != Kind::tool_result; });
    TG_CHECK(write_content(turn.assistant, {turn.parts.begin(), first_other}));
    return write_content(turn.assistant, {first_other, turn.parts.end()});
  }

  struct Parts {
    std::vector<Part>::const_iterator first;
    std::vector<Part>::const_iterator last;
  };

  Status write_content(bool assistant, Parts parts) {
    if (parts.first == parts.last) return {};
    out_.begin_object();
    out_.string("role", assistant ? "model" : "user");
    out_.begin_array("parts");
    bool call_before = false;
    for (auto part = parts.first; part != parts.last; ++part) {
      if (part->cache != CacheMark::none) note_lossy(request_.lossy, "cache_control");
      if (part->kind == Kind::tool_call)
        write_call(*part, std::exchange(call_before, true));
      else
        TG_CHECK(write_part(*part));
    }
    out_.end_array();
    out_.end_object();
    return {};
  }

  Status write_part(const Part& part) {
    switch (part.kind) {
      case Kind::image:
      case Kind::audio:
      case Kind::file:
        return write_media(part);
      case Kind::tool_result:
        return write_result(part);
      case Kind::unknown:
        return cannot_carry("content of type '" + part.name.substr(0, 64) + "'");
      default:
        text_part(part.text);
        return {};
    }
  }

  void text_part(std::string_view text) {
    out_.begin_object();
    out_.string("text", text);
    out_.end_object();
  }

  Status write_media(const Part& part) {
    if (part.detail == "low" || part.detail == "high") note_lossy(request_.lossy, "messages.content.image_url.detail");
    if (!part.url.empty()) return write_file(part);
    if (part.data.empty() || part.media_type.empty()) return cannot_carry("a file that is not in the request");
    out_.begin_object();
    out_.begin_object("inlineData");
    out_.string("mimeType", part.media_type);
    out_.string("data", part.data);
    out_.end_object();
    out_.end_object();
    return {};
  }

  Status write_file(const Part& part) {
    const auto type = type_by_name(part.url);
    if (type.empty() || (!part.url.starts_with("gs://") && !part.url.starts_with("https://")))
      return cannot_carry("a file by URL, unless it is a gs: or https: URL whose ending tells the type of the file");
    out_.begin_object();
    out_.begin_object("fileData");
    out_.string("mimeType", type);
    out_.string("fileUri", part.url);
    out_.end_object();
    out_.end_object();
    return {};
  }

  // Of calls made together only the first carries a signature, and Gemini 3 insists on it.
  void write_call(const Part& part, bool call_before) {
    called_[part.id] = part.name;
    out_.begin_object();
    out_.begin_object("functionCall");
    out_.string("name", names_.wire(part.name));
    out_.raw("args", part.text);
    out_.end_object();
    if (!part.signature.empty())
      out_.string("thoughtSignature", part.signature);
    else if (!call_before && version_.major >= 3)
      out_.string("thoughtSignature", kNoSignature);
    out_.end_object();
  }

  // v1 knows calls by the function's name and their order, not by an id.
  Status write_result(const Part& part) {
    std::string text;
    for (const Part& inner : part.content) {
      if (inner.kind != Kind::text && inner.kind != Kind::refusal)
        return cannot_carry("anything but text as a tool's result");
      text += inner.text;
    }
    out_.begin_object();
    out_.begin_object("functionResponse");
    out_.string("name", names_.wire(called_[part.id]));
    if (is_json_object(text) && !part.failed) {
      out_.raw("response", text);
    } else {
      out_.begin_object("response");
      out_.string(part.failed ? "error" : "output", text);
      out_.end_object();
    }
    out_.end_object();
    out_.end_object();
    return {};
  }

  void write_system(const std::vector<Part>& parts) {
    const bool words = request_.response_format.kind == ResponseFormat::Kind::json_object && !native_format();
    if (words) note_lossy(request_.lossy, "response_format");
    if (parts.empty() && !words) return;
    out_.begin_object("systemInstruction");
    out_.begin_array("parts");
    for (const Part& part : parts) {
      if (part.cache != CacheMark::none) note_lossy(request_.lossy, "cache_control");
      text_part(part.text);
    }
    if (words) text_part(kAnswerWithJson);
    out_.end_array();
    out_.end_object();
  }

  // --- tools ---

  void write_tools() {
    if (request_.tools.empty()) return;  // calls in the messages need no declaration
    out_.begin_array("tools");
    out_.begin_object();
    out_.begin_array("functionDeclarations");
    for (const CanonicalTool& tool : tools_.tools) write_tool(tool);
    out_.end_array();
    out_.end_object();
    out_.end_array();
    write_tool_config();
    if (request_.parallel_tool_calls == false) note_lossy(request_.lossy, "parallel_tool_calls");
  }

  // The schema goes as it is: parametersJsonSchema takes JSON Schema, where `parameters` takes a part of OpenAPI's.
  void write_tool(const CanonicalTool& tool) {
    out_.begin_object();
    out_.string("name", names_.wire(tool.name));
    if (!tool.description.empty()) out_.string("description", tool.description);
    if (!tool.schema.empty()) out_.raw("parametersJsonSchema", object_schema(tool.schema));
    if (tool.strict) note_lossy(request_.lossy, "tools.function.strict");
    if (tool.cache != CacheMark::none) note_lossy(request_.lossy, "cache_control");
    out_.end_object();
  }

  static std::string_view mode_of(Mode mode) {
    if (mode == Mode::none) return "NONE";
    return mode == Mode::required || mode == Mode::function ? "ANY" : "AUTO";
  }

  void write_tool_config() {
    const ToolChoice& choice = tools_.choice;
    if (choice.mode == Mode::unset) return;
    out_.begin_object("toolConfig");
    out_.begin_object("functionCallingConfig");
    out_.string("mode", mode_of(choice.mode));
    if (choice.mode == Mode::function) {
      out_.begin_array("allowedFunctionNames");
      out_.string(names_.wire(choice.function));
      out_.end_array();
    }
    out_.end_object();
    out_.end_object();
  }

  // --- generationConfig ---

  void write_generation_config() {
    out_.begin_object("generationConfig");
    const auto number = [this](std::string_view name, const auto& value) {
      if (value) out_.number(name, *value);
    };
    number("temperature", request_.temperature);
    number("topP", request_.top_p);
    number("topK", request_.top_k);
    number("maxOutputTokens", request_.max_tokens);
    number("presencePenalty", request_.presence_penalty);
    number("frequencyPenalty", request_.frequency_penalty);
    if (request_.seed) out_.number("seed", fold_seed(*request_.seed));
    if (request_.n > 1) out_.number("candidateCount", request_.n);
    write_stop();
    write_format();
    write_thinking();
    out_.end_object();
  }

  void write_stop() {
    if (request_.stop.empty()) return;
    out_.begin_array("stopSequences");
    for (const std::string& stop : request_.stop) out_.string(stop);
    out_.end_array();
  }

  void write_format() {
    const ResponseFormat& format = request_.response_format;
    if (format.kind == ResponseFormat::Kind::text || !native_format()) return;
    out_.string("responseMimeType", "application/json");
    if (format.kind == ResponseFormat::Kind::json_schema) out_.raw("responseJsonSchema", format.schema);
  }

  void write_thinking() {
    const Effort effort = request_.reasoning_effort;
    if (effort == Effort::unset) return;
    const bool budget = version_.major == 2 && version_.minor >= 5;
    if (!budget && version_.major < 3) return note_lossy(request_.lossy, "reasoning_effort");
    const auto is = [this](std::string_view name) { return target_.model.find(name) != std::string::npos; };
    if (effort == Effort::none && (version_.major >= 3 || is("pro"))) note_lossy(request_.lossy, "reasoning_effort");
    out_.begin_object("thinkingConfig");
    if (effort != Effort::none) out_.boolean("includeThoughts", true);
    if (budget)
      out_.number("thinkingBudget", budget_of(effort, is("pro")));
    else
      out_.string("thinkingLevel", level_of(effort, is("flash")));
    out_.end_object();
  }

  DialectCall finish() {
    if (request_.logprobs) note_lossy(request_.lossy, "logprobs");
    for (const auto& extra : request_.extras) note_lossy(request_.lossy, extra.name);
    DialectCall call;
    call.path = gemini_path(target_.model, target_.stream ? "streamGenerateContent?alt=sse" : "generateContent");
    call.headers = {{"content-type", "application/json"},
                    {"accept", target_.stream ? "text/event-stream" : "application/json"}};
    call.body = out_.take();
    call.lossy = std::move(request_.lossy);
    call.answer.stream = target_.stream;
    if (!tools_.answer_tool.empty()) call.answer.answer_tool = names_.wire(tools_.answer_tool);
    call.answer.tool_names = names_.renamed();
    return call;
  }

  CanonicalRequest request_;
  const DialectTarget& target_;
  GeminiVersion version_;
  ToolPlan tools_;
  WireNames names_;
  std::map<std::string, std::string> called_;  // by call id: the function
  JsonWriter out_;
};

}  // namespace

std::string gemini_path(std::string_view model, std::string_view verb) {
  std::string out = model.find('/') == std::string_view::npos ? "/models/" : "/";
  out += url_encode(model, "/");
  out += ':';
  return out += verb;
}

Result<DialectCall> encode_gemini_request(CanonicalRequest request, const DialectTarget& target) {
  return Writer(std::move(request), target).run();
}

}  // namespace tollgate::providers
