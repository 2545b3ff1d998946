#include "providers/chat_writer.h"

#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

void append_number(std::string& out, std::uint64_t value) { out += std::to_string(value); }

void append_string_or_null(std::string& out, const std::optional<std::string>& text) {
  if (text)
    append_json_string(out, *text);
  else
    out += "null";
}

std::string_view field_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::text:
      return "content";
    case Event::Kind::refusal:
      return "refusal";
    case Event::Kind::reasoning:
      return "reasoning_content";
    default:
      return {};
  }
}

std::string text_delta(std::uint32_t block, Event::Kind kind, std::string_view text) {
  std::string delta = "{";
  if (kind == Event::Kind::arguments) {
    delta += R"("tool_calls":[{"index":)";
    append_number(delta, block);
    delta += R"(,"function":{"arguments":)";
    append_json_string(delta, text);
    return delta += "}}]}";
  }
  append_json_string(delta, field_of(kind));
  delta += ':';
  append_json_string(delta, text);
  return delta += '}';
}

// "logprobs":... of a choice
void append_logprobs(std::string& out, const std::string& entries) {
  out += ",\"logprobs\":";
  out += entries.empty() ? "null" : R"({"content":[)" + entries + R"(],"refusal":null})";
}

void add_entries(std::string& entries, const std::string& more) {
  if (!entries.empty() && !more.empty()) entries += ',';
  entries += more;
}

bool carries_text(Event::Kind kind) { return kind == Event::Kind::arguments || !field_of(kind).empty(); }

bool carries_proof(Event::Kind kind) {
  return kind == Event::Kind::signature || kind == Event::Kind::call_signature || kind == Event::Kind::redacted;
}

// As Google's own OpenAI endpoint has it.
std::string extra_content(std::string_view signature) {
  std::string out = R"("extra_content":{"google":{"thought_signature":)";
  append_json_string(out, signature);
  return out += "}}";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

std::string arguments_object(const std::string& arguments) {
  if (arguments.find_first_not_of(" \t\r\n") == std::string::npos) return "{}";
  if (is_json_object(arguments)) return arguments;
  std::string out = "{\"arguments\":";
  append_json_string(out, arguments);
  return out += '}';
}

void append_chat_usage(std::string& out, const Usage& usage) {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  out += R"({"prompt_tokens":)" + number(usage.input) + R"(,"completion_tokens":)" + number(usage.output);
  out += R"(,"total_tokens":)" + number(usage.input + usage.output);
  out += R"(,"prompt_tokens_details":{"cached_tokens":)" + number(usage.cached_input);
  if (usage.cache_write > 0) out += R"(,"cache_write_tokens":)" + number(usage.cache_write);
  out += R"(},"completion_tokens_details":{"reasoning_tokens":)" + number(usage.reasoning) + "}}";
}

void append_head(std::string& out, const CompletionHead& head, std::string_view object) {
  out += "{\"id\":";
  out += head.id;
  out += ",\"object\":\"";
  out += object;
  out += "\",\"created\":";
  out += head.created;
  out += ",\"model\":";
  out += head.model;
}

// --- signed reasoning ---

void ThinkingBlocks::text(std::string_view piece) {
  whole_ = whole_ && text_.size() + piece.size() <= kMaxText;
  if (whole_) text_ += piece;
}

std::string ThinkingBlocks::entry(const Event& event, bool with_index) {
  const std::string text = std::exchange(text_, {});
  if (!std::exchange(whole_, true)) return {};
  std::string out = "{";
  if (with_index) out += "\"index\":" + std::to_string(count_) + ",";
  ++count_;
  if (event.kind == Event::Kind::redacted) {
    out += R"("type":"redacted_thinking","data":)";
  } else {
    out += R"("type":"thinking","thinking":)";
    append_json_string(out, text);
    out += ",\"signature\":";
  }
  append_json_string(out, event.text);
  return out += '}';
}

// --- chunks ---

void ChunkWriter::chunk(const CompletionHead& head, std::uint32_t choice, std::string_view delta,
                        std::string_view finish_reason, std::string& out) {
  out += "data: ";
  append_head(out, head, "chat.completion.chunk");
  out += R"(,"choices":[{"index":)";
  append_number(out, choice);
  out += ",\"delta\":";
  out += delta;
  const auto opened = choices_.find(choice);
  append_logprobs(out, opened == choices_.end() ? std::string() : std::exchange(opened->second.logprobs, {}));
  out += ",\"finish_reason\":";
  if (finish_reason.empty())
    out += "null";
  else
    append_json_string(out, finish_reason);
  out += include_usage_ ? "}],\"usage\":null}\n\n" : "}]}\n\n";
}

ChunkWriter::Choice& ChunkWriter::open(const CompletionHead& head, std::uint32_t index, std::string& out) {
  const auto [at, fresh] = choices_.try_emplace(index);
  if (fresh) chunk(head, index, R"({"role":"assistant","content":"","refusal":null})", {}, out);
  return at->second;
}

void ChunkWriter::event(const CompletionHead& head, const Event& event, std::string& out) {
  using K = Event::Kind;
  if (event.kind == K::usage) {
    usage_ = event.usage;
  } else if (event.kind == K::start) {
    open(head, event.choice, out);
  } else if (event.kind == K::logprobs) {
    add_entries(open(head, event.choice, out).logprobs, event.text);
  } else if (event.kind == K::tool_call) {
    begin_call(head, event, out);
  } else if (event.kind == K::finish) {
    close_calls(head, event.choice, out);
    chunk(head, event.choice, "{}", event.text, out);
  } else if (carries_proof(event.kind)) {
    sign(head, event, out);
  } else if (carries_text(event.kind)) {
    open(head, event.choice, out);
    text(head, event.choice, event.block, event.kind, event.text, out);
  }
}

void ChunkWriter::sign(const CompletionHead& head, const Event& event, std::string& out) {
  Choice& choice = open(head, event.choice, out);
  std::string delta;
  if (event.kind == Event::Kind::call_signature) {
    delta = R"({"tool_calls":[{"index":)" + std::to_string(event.block);
    delta += R"(,"function":{"arguments":""},)" + extra_content(event.text) + "}]}";
  } else {
    const std::string entry = choice.thinking.entry(event, true);
    if (entry.empty()) return;
    delta = R"({"thinking_blocks":[)" + entry + "]}";
  }
  chunk(head, event.choice, delta, {}, out);
}

void ChunkWriter::text(const CompletionHead& head, std::uint32_t choice, std::uint32_t block, Event::Kind kind,
                       std::string_view text, std::string& out) {
  if (const auto at = choices_.find(choice); at != choices_.end()) {
    if (kind == Event::Kind::arguments) at->second.calls[block] = true;
    if (kind == Event::Kind::reasoning) at->second.thinking.text(text);
  }
  chunk(head, choice, text_delta(block, kind, text), {}, out);
}

void ChunkWriter::begin_call(const CompletionHead& head, const Event& event, std::string& out) {
  open(head, event.choice, out).calls.try_emplace(event.block, false);
  std::string delta = R"({"tool_calls":[{"index":)";
  append_number(delta, event.block);
  delta += ",\"id\":";
  append_json_string(delta, event.id);
  delta += R"(,"type":"function","function":{"name":)";
  append_json_string(delta, event.text);
  delta += R"(,"arguments":""}}]})";
  chunk(head, event.choice, delta, {}, out);
}

// SDKs parse the arguments of every call: one without any gets an empty object.
void ChunkWriter::close_calls(const CompletionHead& head, std::uint32_t choice, std::string& out) {
  for (auto& [block, written] : open(head, choice, out).calls)
    if (!std::exchange(written, true)) chunk(head, choice, text_delta(block, Event::Kind::arguments, "{}"), {}, out);
}

void ChunkWriter::end(const CompletionHead& head, std::string& out) {
  if (!include_usage_ || !usage_.known()) return;
  out += "data: ";
  append_head(out, head, "chat.completion.chunk");
  out += R"(,"choices":[],"usage":)";
  append_chat_usage(out, usage_);
  out += "}\n\n";
}

// --- whole bodies ---

void BodyWriter::event(const CompletionHead& head, const Event& event, std::string& out) {
  using K = Event::Kind;
  if (event.kind == K::usage) {
    usage_ = event.usage;
  } else if (event.kind == K::start) {
    choices_.try_emplace(event.choice);
  } else if (event.kind == K::logprobs) {
    add_entries(choices_[event.choice].logprobs, event.text);
  } else if (event.kind == K::tool_call) {
    Call& call = choices_[event.choice].calls[event.block];
    call.id = event.id;
    call.name = event.text;
  } else if (event.kind == K::finish) {
    choices_[event.choice].finish_reason = event.text;
  } else if (carries_proof(event.kind)) {
    sign(event);
  } else if (carries_text(event.kind)) {
    text(head, event.choice, event.block, event.kind, event.text, out);
  }
}

void BodyWriter::sign(const Event& event) {
  Choice& choice = choices_[event.choice];
  if (event.kind == Event::Kind::call_signature) {
    choice.calls[event.block].signature = event.text;
    return;
  }
  const std::string entry = choice.thinking.entry(event, false);
  if (!entry.empty() && !choice.thinking_blocks.empty()) choice.thinking_blocks += ',';
  choice.thinking_blocks += entry;
}

void BodyWriter::text(const CompletionHead& /*head*/, std::uint32_t index, std::uint32_t block, Event::Kind kind,
                      std::string_view text, std::string& /*out*/) {
  Choice& choice = choices_[index];
  if (kind == Event::Kind::arguments) {
    choice.calls[block].arguments += text;
    return;
  }
  auto& field = kind == Event::Kind::text      ? choice.content
                : kind == Event::Kind::refusal ? choice.refusal
                                               : choice.reasoning;
  if (!field) field.emplace();
  *field += text;
  if (kind == Event::Kind::reasoning) choice.thinking.text(text);
}

void BodyWriter::write_calls(const Choice& choice, std::string& out) {
  const char* separator = R"(,"tool_calls":[)";
  for (const auto& [block, call] : choice.calls) {
    out += std::exchange(separator, ",");
    out += "{\"id\":";
    append_json_string(out, call.id);
    out += R"(,"type":"function","function":{"name":)";
    append_json_string(out, call.name);
    out += ",\"arguments\":";
    append_json_string(out, call.arguments.empty() ? "{}" : call.arguments);
    out += '}';
    if (!call.signature.empty()) out += "," + extra_content(call.signature);
    out += '}';
  }
  if (!choice.calls.empty()) out += ']';
}

void BodyWriter::write_choice(std::uint32_t index, const Choice& choice, std::string& out) {
  out += "{\"index\":";
  append_number(out, index);
  out += R"(,"message":{"role":"assistant","content":)";
  append_string_or_null(out, choice.content);
  out += ",\"refusal\":";
  append_string_or_null(out, choice.refusal);
  if (choice.reasoning) {
    out += ",\"reasoning_content\":";
    append_json_string(out, *choice.reasoning);
  }
  if (!choice.thinking_blocks.empty()) out += ",\"thinking_blocks\":[" + choice.thinking_blocks + "]";
  write_calls(choice, out);
  out += '}';
  append_logprobs(out, choice.logprobs);
  out += ",\"finish_reason\":";
  append_json_string(out, choice.finish_reason.empty() ? "stop" : choice.finish_reason);
  out += '}';
}

void BodyWriter::end(const CompletionHead& head, std::string& out) {
  append_head(out, head, "chat.completion");
  out += ",\"choices\":[";
  const char* separator = "";
  for (const auto& [index, choice] : choices_) {
    out += std::exchange(separator, ",");
    write_choice(index, choice, out);
  }
  out += ']';
  if (usage_.known()) {
    out += ",\"usage\":";
    append_chat_usage(out, usage_);
  }
  out += '}';
}

}  // namespace tollgate::providers
