// Continuations that are in no provider's bytes (OpenAI API reference, completions/object): chunks, and whole bodies.
#include <map>

#include "providers/chat_encoder.h"
#include "providers/chat_writer.h"
#include "providers/completions.h"

namespace tollgate::providers {
namespace {

void append_choice(std::string& out, std::uint32_t index, std::string_view text, std::string_view finish_reason) {
  out += "{\"text\":";
  append_json_string(out, text);
  out += ",\"index\":" + std::to_string(index) + R"(,"logprobs":null,"finish_reason":)";
  if (finish_reason.empty())
    out += "null";
  else
    append_json_string(out, finish_reason);
  out += '}';
}

// Calls and reasons have no place in this API: no tool was offered, and the text is all there is.
class StreamWriter final : public AnswerWriter {
 public:
  explicit StreamWriter(bool include_usage) : include_usage_(include_usage) {}

  void event(const CompletionHead& head, const Event& event, std::string& out) override {
    if (event.kind == Event::Kind::usage) usage_ = event.usage;
    if (event.kind == Event::Kind::finish) chunk(head, event.choice, {}, event.text, out);
    text(head, event.choice, event.block, event.kind, event.text, out);
  }

  void text(const CompletionHead& head, std::uint32_t choice, std::uint32_t /*block*/, Event::Kind kind,
            std::string_view text, std::string& out) override {
    if (kind == Event::Kind::text || kind == Event::Kind::refusal) chunk(head, choice, text, {}, out);
  }

  void end(const CompletionHead& head, std::string& out) override {
    if (!include_usage_ || !usage_.known()) return;
    out += "data: ";
    append_head(out, head, "text_completion");
    out += R"(,"choices":[],"usage":)";
    append_chat_usage(out, usage_);
    out += "}\n\n";
  }

 private:
  void chunk(const CompletionHead& head, std::uint32_t choice, std::string_view text, std::string_view finish_reason,
             std::string& out) const {
    out += "data: ";
    append_head(out, head, "text_completion");
    out += ",\"choices\":[";
    append_choice(out, choice, text, finish_reason);
    out += include_usage_ ? "],\"usage\":null}\n\n" : "]}\n\n";
  }

  bool include_usage_;
  Usage usage_;
};

class WholeWriter final : public AnswerWriter {
 public:
  void event(const CompletionHead& head, const Event& event, std::string& out) override {
    if (event.kind == Event::Kind::usage) usage_ = event.usage;
    if (event.kind == Event::Kind::finish) choices_[event.choice].finish_reason = event.text;
    text(head, event.choice, event.block, event.kind, event.text, out);
  }

  void text(const CompletionHead& /*head*/, std::uint32_t choice, std::uint32_t /*block*/, Event::Kind kind,
            std::string_view text, std::string& /*out*/) override {
    if (kind == Event::Kind::text || kind == Event::Kind::refusal) choices_[choice].text += text;
  }

  void end(const CompletionHead& head, std::string& out) override {
    append_head(out, head, "text_completion");
    const char* separator = ",\"choices\":[";
    for (const auto& [index, choice] : choices_) {
      out += std::exchange(separator, ",");
      append_choice(out, index, choice.text, choice.finish_reason.empty() ? "stop" : choice.finish_reason);
    }
    out += choices_.empty() ? ",\"choices\":[]" : "]";
    if (usage_.known()) {
      out += ",\"usage\":";
      append_chat_usage(out, usage_);
    }
    out += '}';
  }

 private:
  struct Choice {
    std::string text;
    std::string finish_reason;
  };
  std::map<std::uint32_t, Choice> choices_;
  Usage usage_;
};

}  // namespace

std::unique_ptr<ClientEncoder> completions_encoder(EncoderOptions options) {
  std::unique_ptr<AnswerWriter> writer;
  if (options.stream)
    writer = std::make_unique<StreamWriter>(options.include_usage);
  else
    writer = std::make_unique<WholeWriter>();
  return std::make_unique<ChatEncoder>(std::move(options), std::move(writer));
}

}  // namespace tollgate::providers
