// The table of flavours, and what they change in a body that is spliced.
#include "providers/chat_quirks.h"

namespace tollgate::providers {
namespace {

using History = ChatQuirks::ReasoningHistory;

std::vector<Flavour> table() {
  const std::vector<Api> plain = {Api::chat, Api::embeddings, Api::completions};
  const std::vector<Api> chat = {Api::chat};
  return {
      {"vllm",
       "vLLM",
       {.top_k = true, .short_reasoning_name = true},
       {Api::chat, Api::responses, Api::messages, Api::embeddings, Api::completions, Api::rerank},
       true},
      {"ollama", "Ollama", {.old_cap_only = true, .short_reasoning_name = true}, plain},
      {"tgi", "Text Generation Inference", {.old_cap_only = true}, {Api::chat, Api::completions}},
      {"llama_server", "llama.cpp's server", {.old_cap_only = true, .top_k = true}, plain},
      {"kserve", "KServe's Hugging Face runtime", {.top_k = true}, plain},
      {"triton",
       "Triton's OpenAI front end",
       {.stream_options = false, .old_cap_only = true},
       {Api::chat, Api::completions}},
      {"deepseek",
       "DeepSeek and servers like it",
       {.old_cap_only = true, .reasoning_history = History::tool_loop},
       chat},
      {"google", "Google's OpenAI endpoints", {.call_signatures = true}, {Api::chat, Api::embeddings}},
      {"mistral", "Mistral", mistral_quirks(), {Api::chat, Api::embeddings}},
      {"openrouter",
       "OpenRouter and routers like it",
       {.top_k = true, .reasoning_history = History::always, .short_reasoning_name = true},
       chat},
  };
}

}  // namespace

std::span<const Flavour> flavours() {
  static const std::vector<Flavour> kTable = table();
  return kTable;
}

ChatQuirks mistral_quirks() {
  return {.old_cap_only = true, .any_for_required = true, .random_seed = true, .short_tool_ids = true};
}

std::vector<Edit> quirk_edits(const Call& call, const ChatQuirks& quirks) {
  std::vector<Edit> edits;
  if (call.api != Api::chat && call.api != Api::completions) return edits;
  const CallIndex& index = call.index;
  if (!quirks.stream_options && index.stream_options) edits.push_back({index.stream_options_member, ""});
  if (quirks.old_cap_only && index.newer_cap) edits.push_back({*index.newer_cap, "\"max_tokens\""});
  return edits;
}

}  // namespace tollgate::providers
