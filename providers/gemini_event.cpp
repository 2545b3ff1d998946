// GenerateContentResponse, read where it stands (Gemini API reference; Vertex AI REST reference).
#include "providers/gemini_event.h"

#include <algorithm>
#include <array>

#include "providers/chat_usage.h"
#include "providers/gemini.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/provider_fault.h"
#include "providers/sse.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using K = Event::Kind;

constexpr std::int64_t kMaxCandidates = 16;

// Members of what stands beside the text that are no prose.
constexpr std::array<std::string_view, 8> kReferences = {"uri",      "mimeType", "data",   "fileUri",
                                                         "language", "outcome",  "domain", "thoughtSignature"};

class ResponseWalk {
 public:
  enum class Part : std::uint8_t { chunk, whole };
  ResponseWalk(std::string_view json, std::uint32_t base, Part part) : in_(json, base), part_(part) {}

  // false: it is no such answer.
  bool run() {
    if (in_.peek() != Kind::object) return false;
    walk_object(in_, [this](std::string_view key) { member(key); });
    if (!in_.at_end()) return false;
    conclude();
    return true;
  }

  bool answers() const { return candidates_ || blocked_; }
  Batch& batch() { return batch_; }

 private:
  template <class Element>
  void array(const Element& element) {
    if (in_.peek() != Kind::array) return unread();
    in_.enter_array();
    while (in_.next_element()) element();
  }
  void skip() { in_.skip(); }
  void unread(Names known = {}, Unknown::What what = Unknown::What::member) {
    skip_member(in_, known, batch_.unknown, what);
  }

  void member(std::string_view key) {
    if (key == "candidates") return array([this] { candidate(); });
    if (key == "usageMetadata") return usage();
    if (key == "promptFeedback")
      return walk_object(in_, [this](std::string_view inner) {
        blocked_ = blocked_ || inner == "blockReason";
        skip();
      });
    if (key == "modelVersion" && in_.peek() == Kind::string) {
      const JsonString name = in_.string();
      batch_.served_model = in_.decode(name);
      batch_.model_value = name.quoted();
      return;
    }
    if (key == "responseId" && in_.peek() == Kind::string) {
      batch_.id_value = in_.string().quoted();
      return;
    }
    unread(known::kGemini);
  }

  void usage() {
    if (in_.peek() != Kind::object) return skip();
    usage_ = read_gemini_usage(in_);
  }

  // The number of a candidate may come after its content.
  void candidate() {
    candidates_ = true;
    const std::size_t first = batch_.events.size();
    std::int64_t index = 0;
    std::string reason;
    walk_object(in_, [&](std::string_view key) {
      if (key == "index") {
        index = read_count(in_);
      } else if (key == "finishReason" && in_.peek() == Kind::string) {
        reason = in_.decode(in_.string());
      } else if (key == "content") {
        walk_object(in_, [this](std::string_view inner) {
          inner == "parts" ? array([this] { part(); }) : unread(known::kGeminiContent);
        });
      } else if (key == "logprobsResult") {
        const Span value = in_.skip();
        add(K::logprobs).span = value;
      } else if (key == "citationMetadata" || key == "groundingMetadata" || key == "finishMessage") {
        annotations();
      } else {
        unread(known::kGeminiCandidate);
      }
    });
    finished_ = finished_ || !reason.empty();
    if (!reason.empty()) add(K::finish).text = finish_word(reason, first);
    for (std::size_t i = first; i < batch_.events.size(); ++i)
      batch_.events[i].choice = static_cast<std::uint32_t>(std::clamp<std::int64_t>(index, 0, kMaxCandidates));
  }

  std::string_view finish_word(std::string_view reason, std::size_t first) const {
    const bool called = std::any_of(batch_.events.begin() + static_cast<std::ptrdiff_t>(first), batch_.events.end(),
                                    [](const Event& event) { return event.kind == K::tool_call; });
    const std::string_view word = gemini_finish_reason(reason);
    return called && word == "stop" ? "tool_calls" : word;
  }

  // Whether a text is a thought may show after it.
  void part() {
    std::optional<std::size_t> text;
    bool thought = false;
    walk_object(in_, [&](std::string_view key) {
      if (key == "text" && in_.peek() == Kind::string) {
        text = batch_.events.size();
        string_event(K::text);
      } else if (key == "thought" && in_.peek() == Kind::boolean) {
        thought = in_.boolean();
      } else if (key == "functionCall") {
        call();
      } else if (key == "executableCode" || key == "codeExecutionResult") {
        annotations();
      } else {
        unread(known::kGeminiPart, Unknown::What::block);
      }
    });
    if (text && thought && *text < batch_.events.size()) batch_.events[*text].kind = K::reasoning;
  }

  void call() {
    const std::size_t at = batch_.events.size();
    add(K::tool_call).block = calls_;
    std::optional<Span> args;
    walk_object(in_, [&](std::string_view key) {
      Event& named = batch_.events[at];
      if (key == "name" && in_.peek() == Kind::string)
        named.text = in_.decode(in_.string());
      else if (key == "id" && in_.peek() == Kind::string)
        named.id = in_.decode(in_.string());
      else if (key == "args" && in_.peek() == Kind::object)
        args = in_.skip();
      else
        unread();
    });
    if (args) {
      Event& arguments = add(K::arguments);
      arguments.block = calls_;
      arguments.text = in_.view(*args);
      arguments.span = args;
    }
    add(K::block_end).block = calls_++;
  }

  void string_event(K kind) {
    const JsonString string = in_.string();
    if (string.inside.length == 0) return;  // a chunk that only ends
    Event& event = add(kind);
    event.text = in_.decode(string);
    event.span = string.inside;
  }

  // Texts beside the answer's own: what a citation cites, what a tool of the provider found. Recursive: the reader
  // bounds the depth.
  void annotations() {
    if (in_.peek() == Kind::string) return string_event(K::annotation);
    if (in_.peek() == Kind::array) return array([this] { annotations(); });
    walk_object(in_, [this](std::string_view key) {
      const bool reference = std::find(kReferences.begin(), kReferences.end(), key) != kReferences.end();
      reference ? skip() : annotations();
    });
  }

  Event& add(K kind) {
    Event& event = batch_.events.emplace_back();
    event.kind = kind;
    return event;
  }

  void conclude() {
    if (!candidates_ && blocked_) add(K::finish).text = "content_filter";
    if (usage_) batch_.events.push_back(told());
    if (batch_.events.empty()) add(K::opaque);
  }

  // Every chunk tells it: before the last one the count of the answer is a beginning.
  Event told() const {
    const bool goes_on = part_ == Part::chunk && candidates_ && !finished_;
    if (goes_on) return prompt_usage(*usage_);
    Event event;
    event.kind = K::usage;
    event.usage = *usage_;
    return event;
  }

  JsonReader in_;
  Part part_;
  Batch batch_;
  std::optional<Usage> usage_;
  std::uint32_t calls_ = 0;
  bool candidates_ = false;
  bool blocked_ = false;
  bool finished_ = false;
};

}  // namespace

Result<Batch> decode_gemini_event(std::string frame, std::string_view data, std::size_t data_offset) {
  if (data_offset == SseFrame::kNoOffset) {
    OneLineFrame one = on_one_line("", data);
    return decode_gemini_event(std::move(one.bytes), data, one.data_offset);
  }
  const auto json = std::string_view(frame).substr(data_offset, data.size());
  if (!valid_utf8(json)) return upstream_garbage();
  if (auto error = gemini_error_in(json)) return *std::move(error);
  ResponseWalk walk(json, static_cast<std::uint32_t>(data_offset), ResponseWalk::Part::chunk);
  if (!walk.run()) return upstream_garbage();
  walk.batch().frame = std::move(frame);
  return std::move(walk.batch());
}

Result<Batch> decode_gemini_response(std::string body) {
  ResponseWalk walk(body, 0, ResponseWalk::Part::whole);
  if (!valid_utf8(body) || !walk.run() || !walk.answers()) return upstream_garbage();
  walk.batch().events.emplace_back().kind = K::done;
  walk.batch().frame = std::move(body);
  walk.batch().whole_body = true;
  return std::move(walk.batch());
}

}  // namespace tollgate::providers
