// A conversation as one text.
#include "providers/conversation.h"
#include "providers/generate.h"

namespace tollgate::providers {
namespace {

using Part = CanonicalPart;
using Format = GenerateOptions::Prompt;

// How a turn begins and ends, by role.
struct Marks {
  std::string_view system;
  std::string_view user;
  std::string_view assistant;
  std::string_view end;
  std::string_view stop;
  std::string_view reserved;  // a text that holds it would speak for another role
};
constexpr Marks kLabelled{"System: ", "User: ", "Assistant: ", "\n\n", "\nUser:", {}};
constexpr Marks kChatml{"<|im_start|>system\n", "<|im_start|>user\n", "<|im_start|>assistant\n",
                        "<|im_end|>\n",         "<|im_end|>",         "<|im_"};

Error refused(std::string message) { return invalid_value("messages", std::move(message), "unsupported_value"); }

Status append(std::string& text, std::string_view mark, const std::vector<Part>& parts, const Marks& marks) {
  text += mark;
  for (const Part& part : parts) {
    if (part.kind != Part::Kind::text) return cannot_carry("anything but text: its model is given one text");
    if (!marks.reserved.empty() && part.text.find(marks.reserved) != std::string::npos)
      return refused("A message holds '" + std::string(marks.reserved) +
                     "', which separates messages for this model. Take it out.");
    text += part.text;
  }
  text += marks.end;
  return {};
}

Result<Prompt> marked(const Conversation& said, const Marks& marks) {
  Prompt out;
  if (!said.system.empty()) TG_CHECK(append(out.text, marks.system, said.system, marks));
  for (const Turn& turn : said.turns)
    TG_CHECK(append(out.text, turn.assistant ? marks.assistant : marks.user, turn.parts, marks));
  out.text += marks.assistant;
  while (out.text.ends_with(' ')) out.text.pop_back();  // models begin their own word with it
  out.stops.emplace_back(marks.stop);
  return out;
}

Result<Prompt> bare(const Conversation& said) {
  if (!said.system.empty() || said.turns.size() != 1)
    return refused("This model is given one text: send one user message and nothing else.");
  Prompt out;
  const Marks none{};
  TG_CHECK(append(out.text, {}, said.turns.front().parts, none));
  return out;
}

}  // namespace

Result<Prompt> prompt_of(CanonicalRequest& request, Format format) {
  TG_TRY(const auto said, converse(request, Replay::none));
  if (format == Format::none) return bare(said);
  return marked(said, format == Format::chatml ? kChatml : kLabelled);
}

}  // namespace tollgate::providers
