#pragma once
// A chat request with the wire format taken off: what targets of another dialect and the local model are given.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "providers/call.h"

namespace tollgate::providers {

// The prompt up to here is worth keeping for later calls (cache_control of Anthropic's API, which others took over).
enum class CacheMark : std::uint8_t { none, five_minutes, one_hour };

// One piece of a message. Which fields mean something depends on the kind.
struct CanonicalPart {
  enum class Kind : std::uint8_t {
    text,         // text
    refusal,      // text
    reasoning,    // text and signature; `data` instead of both where only the provider can read it
    image,        // media_type and data, or url; detail
    audio,        // media_type and data
    file,         // media_type and data, or url, or id; name
    tool_call,    // id, name, arguments in `text`; signature
    tool_result,  // id, content
    unknown,      // name: what its `type` said
  };
  Kind kind = Kind::text;
  std::string text;        // tool_call: always one JSON object
  std::string id;          // of the call; of a file that the provider keeps
  std::string name;        // of the function; of the file
  std::string signature;   // base64: the provider's proof that it wrote this
  std::string media_type;  // lower case, such as "image/png"
  std::string data;        // base64, as the caller sent it
  std::string url;         // not a data: URL
  std::string detail;      // "low", "high" or "auto"
  bool failed = false;     // tool_result: it says what went wrong
  CacheMark cache = CacheMark::none;
  std::vector<CanonicalPart> content;  // text, image and file only
};

struct CanonicalMessage {
  Role role = Role::user;
  std::vector<CanonicalPart> parts;
  std::string text() const;  // the texts, joined
};

struct CanonicalTool {
  std::string name;
  std::string description;  // may be empty
  std::string schema;       // of the arguments: a JSON object as the caller wrote it; empty: no arguments
  bool strict = false;
  CacheMark cache = CacheMark::none;
};

struct ToolChoice {
  enum class Mode : std::uint8_t { unset, none, automatic, required, function };
  Mode mode = Mode::unset;
  std::string function;              // Mode::function
  std::vector<std::string> allowed;  // not empty: only these may be called
};

struct ResponseFormat {
  enum class Kind : std::uint8_t { text, json_object, json_schema };
  Kind kind = Kind::text;
  std::string name;
  std::string description;
  std::string schema;  // json_schema: a JSON object as the caller wrote it
  bool strict = false;
};

enum class ReasoningEffort : std::uint8_t { unset, none, minimal, low, medium, high, xhigh, max };

// A member of the request that has no field here: its name and its value as the caller wrote it.
struct ExtraMember {
  std::string name;
  std::string json;
};

struct CanonicalRequest {
  std::vector<CanonicalMessage> messages;
  std::vector<CanonicalTool> tools;
  ToolChoice tool_choice;
  std::optional<bool> parallel_tool_calls;
  ResponseFormat response_format;
  ReasoningEffort reasoning_effort = ReasoningEffort::unset;
  std::optional<std::int64_t> reasoning_budget;  // tokens, where the caller counts; reasoning_effort says it in words
  std::optional<double> temperature;             // 0..2
  std::optional<double> top_p;                   // 0..1
  std::optional<std::int64_t> top_k;             // an extension that several servers share
  std::optional<double> frequency_penalty;
  std::optional<double> presence_penalty;
  std::optional<std::int64_t> seed;
  std::optional<std::int64_t> max_tokens;  // the smaller of max_tokens and max_completion_tokens; includes reasoning
  std::optional<std::int64_t> top_logprobs;
  bool logprobs = false;
  std::vector<std::string> stop;
  std::int64_t n = 1;
  std::string user;  // safety_identifier, else user
  std::vector<ExtraMember> extras;
  // Request fields that have no counterpart here: the caller is told (x-tollgate-lossy).
  std::vector<std::string> lossy;
};

// `body` is the scrubbed body of an accepted call. Errors: invalid_request with `param` for values out of range or of
// the wrong type.
Result<CanonicalRequest> canonicalise(std::string_view body);

// Adds a field's name, once. Names may be the caller's own and end up in a header: other characters than letters,
// digits, '_', '.' and '-' are replaced.
void note_lossy(std::vector<std::string>& lossy, std::string_view field);
// As x-tollgate-lossy has it.
std::string listed(const std::vector<std::string>& fields);

}  // namespace tollgate::providers
