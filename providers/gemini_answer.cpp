// generateContent answers and refusals (Vertex AI REST reference; google.rpc.Status for errors).
#include <algorithm>
#include <utility>

#include "providers/answer_events.h"
#include "providers/chat_usage.h"
#include "providers/gemini.h"
#include "providers/gemini_said.h"
#include "providers/provider_fault.h"
#include "providers/sse.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxFrame = 4 * 1024 * 1024;  // a call comes whole, with all its arguments
constexpr std::size_t kMaxRawError = 64 * 1024;

Error fault(int status, GeminiFault said) {
  // The Gemini API answers a wrong key with 400. Names of models come with our project's.
  if (status == 400 && said.message.find("API key") != std::string::npos) status = 401;
  ProviderWords words;
  words.message = status == 404 ? std::string(kModelNotThere) : std::move(said.message);
  Error error = provider_fault(status, std::move(words));
  error.retry_after = retry_delay(said.retry_delay);
  return error;
}

struct Reason {
  std::string_view theirs;
  std::string_view ours;
};
constexpr Reason kReasons[] = {{"STOP", "stop"},
                               {"MAX_TOKENS", "length"},
                               {"SAFETY", "content_filter"},
                               {"RECITATION", "content_filter"},
                               {"BLOCKLIST", "content_filter"},
                               {"PROHIBITED_CONTENT", "content_filter"},
                               {"SPII", "content_filter"},
                               {"LANGUAGE", "content_filter"},
                               {"MODEL_ARMOR", "content_filter"},
                               {"IMAGE_SAFETY", "content_filter"},
                               {"IMAGE_PROHIBITED_CONTENT", "content_filter"},
                               {"IMAGE_RECITATION", "content_filter"}};

bool is_malformed(std::string_view reason) {
  return reason == "MALFORMED_FUNCTION_CALL" || reason == "UNEXPECTED_TOOL_CALL" || reason == "TOO_MANY_TOOL_CALLS";
}

class Translator {
 public:
  explicit Translator(AnswerContext context) : context_(std::move(context)) {}
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  Status put(GeminiSaid said, Batch& batch) {
    if (said.error) return fault(said.error->code, *std::move(said.error));
    batch.served_model = std::move(said.model);
    batch.unknown = std::move(said.unknown);
    const bool first_told = said.usage && !usage_;
    if (said.usage) usage_ = said.usage;
    for (GeminiCandidate& candidate : said.candidates) TG_CHECK(put(std::move(candidate), batch));
    // A prompt that was blocked has no candidates.
    if (said.candidates.empty() && !said.block_reason.empty()) events(0, batch).finish("content_filter", batch);
    if (first_told && !finished()) batch.events.push_back(prompt_usage(*usage_));
    return {};
  }

  // Every choice that has begun has ended.
  bool finished() const {
    return !choices_.empty() && std::all_of(choices_.begin(), choices_.end(),
                                            [](const auto& choice) { return choice.second.events.finished(); });
  }
  bool began() const { return !choices_.empty(); }

  // A whole answer is over, whatever it says.
  void finish_all(Batch& batch) {
    for (auto& [index, choice] : choices_) choice.events.finish("stop", batch);
  }

  void end(Batch& batch) const {
    if (usage_) {
      Event& event = batch.events.emplace_back();
      event.kind = Event::Kind::usage;
      event.usage = *usage_;
    }
  }

 private:
  struct Choice {
    explicit Choice(const AnswerContext& context, std::uint32_t index) : events(context, index) {}
    AnswerEvents events;
    std::uint32_t calls = 0;
  };

  Choice& choice(std::uint32_t index, Batch& batch) {
    const auto [at, fresh] = choices_.try_emplace(index, context_, index);
    if (fresh) at->second.events.start(batch);
    return at->second;
  }
  AnswerEvents& events(std::uint32_t index, Batch& batch) { return choice(index, batch).events; }

  Status put(GeminiCandidate candidate, Batch& batch) {
    if (is_malformed(candidate.finish_reason)) return upstream_malformed();
    Choice& to = choice(candidate.index, batch);
    for (GeminiPart& part : candidate.parts) put(to, candidate.index, std::move(part), batch);
    if (!candidate.finish_reason.empty()) to.events.finish(gemini_finish_reason(candidate.finish_reason), batch);
    return {};
  }

  void put(Choice& to, std::uint32_t index, GeminiPart part, Batch& batch) {
    if (part.call) return put_call(to, index, std::move(part), batch);
    if (part.thought)
      to.events.reasoning(std::move(part.text), batch);
    else
      to.events.text(std::move(part.text), batch);
  }

  // v1 gives no ids. Callers need ones that no other call of their conversation has.
  void put_call(Choice& to, std::uint32_t index, GeminiPart part, Batch& batch) {
    const std::uint32_t number = to.calls++;
    if (part.id.empty())
      part.id = "call_" + context_.id_seed + (index == 0 ? "" : std::to_string(index)) + "_" + std::to_string(number);
    to.events.begin_call(number, std::move(part.id), part.name, batch);
    to.events.sign_call(number, std::move(part.signature), batch);
    if (part.args != "{}") to.events.arguments(number, std::move(part.args), batch);
  }

  AnswerContext context_;
  std::map<std::uint32_t, Choice> choices_;
  std::optional<Usage> usage_;
};

class BodyDecoder final : public WholeBodyDecoder {
 public:
  explicit BodyDecoder(AnswerContext context) : translator_(std::move(context)) {}

 private:
  Result<Batch> decode(const std::string& body) override {
    auto said = read_gemini_said(body);
    if (!said) return upstream_garbage();
    Batch batch;
    TG_CHECK(translator_.put(*std::move(said), batch));
    if (!translator_.began()) return upstream_garbage();
    translator_.finish_all(batch);
    translator_.end(batch);
    return batch;
  }

  Translator translator_;
};

class StreamDecoder final : public AnswerDecoder {
 public:
  explicit StreamDecoder(AnswerContext context)
      : translator_(std::move(context)), parser_(kMaxFrame, SseParser::WithoutData::given) {}

  std::string& input() override { return parser_.input(); }
  Result<std::optional<Batch>> next() override { return take(false); }

  // The stream has no end marker but the end of the body.
  Result<std::optional<Batch>> end() override {
    TG_TRY(auto batch, take(true));
    if (batch) return std::move(batch);
    if (is_raw()) return raw_error();
    if (!translator_.finished()) return upstream_cut();
    if (std::exchange(ended_, true)) return std::optional<Batch>();
    Batch last;
    translator_.end(last);
    last.events.emplace_back().kind = Event::Kind::done;
    return std::optional(std::move(last));
  }

 private:
  Result<std::optional<Batch>> take(bool at_end) {
    while (true) {
      if (is_raw()) return raw_so_far();
      TG_TRY(const auto frame, at_end ? parser_.last() : parser_.next());
      if (!frame) return std::optional<Batch>();
      if (frame->data.empty()) continue;
      auto said = read_gemini_said(frame->data);
      if (!said) return upstream_garbage();
      Batch batch;
      TG_CHECK(translator_.put(*std::move(said), batch));
      if (!batch.events.empty() || !batch.unknown.empty()) return std::optional(std::move(batch));
    }
  }

  // A failure in mid-stream is bare JSON between the events: from there on there are no more.
  std::string_view bare_text() const {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    std::string_view rest = parser_.rest();
    if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    return rest;
  }
  bool is_raw() const { return bare_text().starts_with('{') || bare_text().starts_with('['); }

  Result<std::optional<Batch>> raw_so_far() const {
    if (bare_text().size() > kMaxRawError) return upstream_garbage();
    return std::optional<Batch>();
  }

  Error raw_error() const { return gemini_error_in(bare_text()).value_or(upstream_garbage()); }

  Translator translator_;
  SseParser parser_;
  bool ended_ = false;
};

}  // namespace

std::string_view gemini_finish_reason(std::string_view theirs) {
  for (const auto& [name, ours] : kReasons)
    if (name == theirs) return ours;
  return "stop";  // OTHER, NO_IMAGE and what is new
}

std::optional<Error> gemini_error_in(std::string_view json) {
  auto said = read_gemini_said(json);
  if (!said || !said->error) return std::nullopt;
  return fault(said->error->code, *std::move(said->error));
}

std::unique_ptr<AnswerDecoder> gemini_decoder(AnswerContext context, std::string_view content_type) {
  if (is_event_stream(content_type)) return std::make_unique<StreamDecoder>(std::move(context));
  return std::make_unique<BodyDecoder>(std::move(context));
}

Error decode_gemini_error(const ErrorAnswer& answer) {
  auto said = read_gemini_said(answer.body);
  Error error = fault(answer.status, said && said->error ? *std::move(said->error) : GeminiFault{});
  if (const auto hint = retry_hint(answer.retry_after_ms, answer.retry_after, answer.date)) error.retry_after = hint;
  return error;
}

}  // namespace tollgate::providers
