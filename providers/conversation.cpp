#include "providers/conversation.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tollgate::providers {
namespace {

using Part = CanonicalPart;
using Kind = CanonicalPart::Kind;

constexpr std::string_view kPlaceholder = ".";

Error mismatch(std::size_t message, std::string text) {
  return invalid_value("messages[" + std::to_string(message) + "]", std::move(text), {});  // no code, as OpenAI
}

bool blank(const Part& part) {
  return part.kind == Kind::text && part.text.find_first_not_of(" \t\r\n") == std::string::npos;
}

bool replayable(const Part& part) { return !part.signature.empty() || !part.data.empty(); }

class Builder {
 public:
  Builder(Replay replay, std::vector<std::string>& lossy) : replay_(replay), lossy_(lossy) {}

  Status add(CanonicalMessage message, std::size_t number) {
    number_ = number;
    if (message.role == Role::tool) return result(std::move(message.parts.front()));
    if (message.role == Role::system) return system(std::move(message.parts));
    TG_CHECK(all_answered());
    const bool assistant = message.role == Role::assistant;
    for (Part& part : message.parts)
      if (keep(part, assistant)) push(assistant, std::move(part));
    return {};
  }

  Result<Conversation> finish() {
    TG_CHECK(all_answered());
    auto& turns = out_.turns;
    if (turns.empty() || turns.front().assistant) {
      Turn first;
      first.parts.emplace_back().text = kPlaceholder;
      turns.insert(turns.begin(), std::move(first));
    }
    trim_end(turns.back());
    return std::move(out_);
  }

 private:
  Status system(std::vector<Part> parts) {
    for (Part& part : parts) {
      if (part.kind != Kind::text) return mismatch(number_, "System messages may only hold text.");
      if (!blank(part)) out_.system.push_back(std::move(part));
    }
    return {};
  }

  // Settles what a part becomes; false: it is left out.
  bool keep(Part& part, bool assistant) {
    if (part.kind == Kind::refusal) part.kind = Kind::text;
    if (part.kind == Kind::reasoning) {
      const bool kept = assistant && replay_ == Replay::signed_reasoning && replayable(part);
      if (!kept && !replayable(part)) note_lossy(lossy_, "messages.reasoning_content");
      return kept;
    }
    if (part.kind == Kind::tool_call) return call(part);
    return !blank(part);
  }

  void push(bool assistant, Part part) {
    if (out_.turns.empty() || out_.turns.back().assistant != assistant) out_.turns.push_back({assistant, {}});
    out_.turns.back().parts.push_back(std::move(part));
  }

  // Two calls of one id could not be told apart: the first counts.
  bool call(const Part& part) {
    if (std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.id == part.id; })) return false;
    waiting_.push_back({part.id, std::nullopt});
    return true;
  }

  Status result(Part part) {
    const auto at = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.id == part.id; });
    if (at == waiting_.end()) {
      if (std::find(answered_.begin(), answered_.end(), part.id) != answered_.end()) return {};
      return mismatch(number_,
                      "A tool message answers no call of the assistant message before it. Check 'tool_call_id'.");
    }
    if (!at->result) at->result = std::move(part);
    if (std::all_of(waiting_.begin(), waiting_.end(), [](const Waiting& w) { return w.result.has_value(); })) settle();
    return {};
  }

  void settle() {
    answered_.clear();
    for (Waiting& w : waiting_) {
      answered_.push_back(w.id);
      push(false, *std::move(w.result));
    }
    waiting_.clear();
  }

  Status all_answered() const {
    for (const Waiting& w : waiting_)
      if (!w.result)
        return mismatch(number_,
                        "A tool call has no result. Follow an assistant message that has 'tool_calls' with one "
                        "tool message for each 'tool_call_id'.");
    return {};
  }

  // A prefilled answer that ends in white space is refused (Anthropic).
  static void trim_end(Turn& turn) {
    Part& last = turn.parts.back();
    if (!turn.assistant || last.kind != Kind::text) return;
    last.text.erase(last.text.find_last_not_of(" \t\r\n") + 1);
  }

  struct Waiting {
    std::string id;
    std::optional<Part> result;
  };

  Replay replay_;
  std::vector<std::string>& lossy_;
  Conversation out_;
  std::size_t number_ = 0;
  std::vector<Waiting> waiting_;       // calls of the turn under way
  std::vector<std::string> answered_;  // ids of the calls before: a result that comes twice counts once
};

}  // namespace

Result<Conversation> converse(CanonicalRequest& request, Replay replay) {
  Builder builder(replay, request.lossy);
  for (std::size_t i = 0; i < request.messages.size(); ++i) TG_CHECK(builder.add(std::move(request.messages[i]), i));
  return builder.finish();
}

bool reasoning_can_go_on(const CanonicalRequest& request) {
  const auto last = std::find_if(request.messages.rbegin(), request.messages.rend(),
                                 [](const CanonicalMessage& m) { return m.role != Role::tool; });
  if (last == request.messages.rend() || last->role != Role::assistant || last->parts.empty()) return true;
  const bool calls = std::any_of(last->parts.begin(), last->parts.end(),
                                 [](const Part& part) { return part.kind == Kind::tool_call; });
  const Part& first = last->parts.front();
  return !calls || (first.kind == Kind::reasoning && replayable(first));
}

Error cannot_carry(std::string_view what) {
  return invalid_value("messages", "The provider of this model cannot be sent " + std::string(what) + ".",
                       "unsupported_value");
}

}  // namespace tollgate::providers
