#include "providers/chat_writer.h"

namespace tollgate::providers {
namespace {

void append_number(std::string& out, std::uint64_t value) { out += std::to_string(value); }

void append_usage(std::string& out, const Usage& usage) {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  out += R"({"prompt_tokens":)" + number(usage.input) + R"(,"completion_tokens":)" + number(usage.output);
  out += R"(,"total_tokens":)" + number(usage.input + usage.output);
  out += R"(,"prompt_tokens_details":{"cached_tokens":)" + number(usage.cached_input);
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

bool carries_text(Event::Kind kind) { return kind == Event::Kind::arguments || !field_of(kind).empty(); }

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
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
  out += R"(,"logprobs":null,"finish_reason":)";
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
  } else if (event.kind == K::tool_call) {
    begin_call(head, event, out);
  } else if (event.kind == K::finish) {
    close_calls(head, event.choice, out);
    chunk(head, event.choice, "{}", event.text, out);
  } else if (carries_text(event.kind)) {
    open(head, event.choice, out);
    text(head, event.choice, event.block, event.kind, event.text, out);
  }
}

void ChunkWriter::text(const CompletionHead& head, std::uint32_t choice, std::uint32_t block, Event::Kind kind,
                       std::string_view text, std::string& out) {
  if (kind == Event::Kind::arguments)
    if (const auto at = choices_.find(choice); at != choices_.end()) at->second.calls[block] = true;
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
  append_usage(out, usage_);
  out += "}\n\n";
}

// --- whole bodies ---

void BodyWriter::event(const Event& event) {
  using K = Event::Kind;
  if (event.kind == K::usage) {
    usage_ = event.usage;
  } else if (event.kind == K::start) {
    choices_.try_emplace(event.choice);
  } else if (event.kind == K::tool_call) {
    Call& call = choices_[event.choice].calls[event.block];
    call.id = event.id;
    call.name = event.text;
  } else if (event.kind == K::finish) {
    choices_[event.choice].finish_reason = event.text;
  } else if (carries_text(event.kind)) {
    text(event.choice, event.block, event.kind, event.text);
  }
}

void BodyWriter::text(std::uint32_t index, std::uint32_t block, Event::Kind kind, std::string_view text) {
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
  const char* separator = R"(,"tool_calls":[)";
  for (const auto& [block, call] : choice.calls) {
    out += std::exchange(separator, ",");
    out += "{\"id\":";
    append_json_string(out, call.id);
    out += R"(,"type":"function","function":{"name":)";
    append_json_string(out, call.name);
    out += ",\"arguments\":";
    append_json_string(out, call.arguments.empty() ? "{}" : call.arguments);
    out += "}}";
  }
  if (!choice.calls.empty()) out += ']';
  out += R"(},"logprobs":null,"finish_reason":)";
  append_json_string(out, choice.finish_reason.empty() ? "stop" : choice.finish_reason);
  out += '}';
}

void BodyWriter::write(const CompletionHead& head, std::string& out) const {
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
    append_usage(out, usage_);
  }
  out += '}';
}

}  // namespace tollgate::providers
