#pragma once
// What Google's models say, read off the wire and not yet understood: chunks, answers and failures (Vertex AI REST
// reference; google.rpc.Status). Internal to providers/.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/event.h"

namespace tollgate::providers {

struct GeminiPart {
  std::string text;
  bool thought = false;
  std::string signature;
  bool call = false;
  std::string id;
  std::string name;
  std::string args;  // JSON text
};

struct GeminiCandidate {
  std::uint32_t index = 0;
  std::vector<GeminiPart> parts;
  std::string finish_reason;
};

struct GeminiFault {
  int code = 0;
  std::string message;
  std::string retry_delay;
};

// One chunk of a stream, a whole answer or an error body.
struct GeminiSaid {
  std::vector<GeminiCandidate> candidates;
  std::string block_reason;
  std::string model;
  std::optional<Usage> usage;
  std::optional<GeminiFault> error;
  std::vector<Unknown> unknown;
};

// Nothing: no JSON of that kind. Failures may come inside an array.
std::optional<GeminiSaid> read_gemini_said(std::string_view json);

}  // namespace tollgate::providers
