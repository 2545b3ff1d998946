#pragma once
// Where servers of OpenAI's chat API want requests spelt otherwise than OpenAI does. What they *answer* otherwise is
// read from all of them alike (chat_event.cpp), so it needs no setting.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "providers/call.h"

namespace tollgate::providers {

// Plain values; the defaults are OpenAI's.
struct ChatQuirks {
  // Whether what an earlier answer reasoned goes back to the server.
  enum class ReasoningHistory : std::uint8_t {
    never,
    tool_loop,  // only since the user last said something: DeepSeek, which refuses or ignores it elsewhere
    always,
  };
  bool stream_options = true;     // false: a server that refuses the member; usage is known only if it tells it anyway
  bool old_cap_only = false;      // a cap that the caller sends under its newer name is renamed
  bool top_k = false;             // is taken, though OpenAI's API has none
  bool any_for_required = false;  // tool_choice says "any": Mistral
  bool random_seed = false;       // the seed's name: Mistral
  bool argument_objects = false;  // calls in the history hold an object where OpenAI has its text
  bool short_tool_ids = false;    // ids of calls have nine letters and digits: Mistral
  ReasoningHistory reasoning_history = ReasoningHistory::never;
  bool short_reasoning_name = false;  // "reasoning" instead of "reasoning_content"
  bool call_signatures = false;  // of calls in the history are taken, in extra_content: Google's; OpenAI refuses them

  // A body in OpenAI's form cannot go as it is: callers of the chat API are translated, too.
  bool respells() const { return any_for_required || random_seed || argument_objects || short_tool_ids; }
  friend bool operator==(const ChatQuirks&, const ChatQuirks&) = default;
};

// A kind of server whose quirks are known by its name.
struct Flavour {
  std::string_view name;
  std::string_view doc;
  ChatQuirks quirks;
  std::vector<Api> apis;  // what it speaks itself
  bool max_completion_tokens = false;
};

std::span<const Flavour> flavours();

// Mistral's, wherever its models are served.
ChatQuirks mistral_quirks();

// The edits that keep from a server what it does not take. Members are the caller's own, so nothing else is touched.
std::vector<Edit> quirk_edits(const Call& call, const ChatQuirks& quirks);

}  // namespace tollgate::providers
