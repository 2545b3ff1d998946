// Chat answer -> events without frames: callers of another API get their own form (OpenAI API reference,
// chat/completions/object and /streaming).
#include <map>
#include <utility>

#include "providers/answer_events.h"
#include "providers/openai_chat.h"
#include "providers/provider_fault.h"
#include "providers/sse.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxFrame = 1024 * 1024;

// The bytes of the frame mean nothing to the caller.
void take_off_frame(Batch& batch, const AnswerContext& context) {
  batch.frame.clear();
  batch.usage_member.reset();
  batch.model_value.reset();
  batch.id_value.reset();
  batch.created_value.reset();
  batch.usage_only = false;
  batch.whole_body = false;
  std::erase_if(batch.events, [](const Event& event) { return event.kind == Event::Kind::logprobs; });
  for (Event& event : batch.events) {
    event.span.reset();
    if (event.kind != Event::Kind::tool_call) continue;
    const auto renamed = context.tool_names.find(event.text);
    if (renamed != context.tool_names.end()) event.text = renamed->second;
  }
}

// Some servers leave the index of a call out, or give each of them 0: another id is another call.
class CallNumbers {
 public:
  void renumber(Event& event) {
    using K = Event::Kind;
    if (event.kind != K::tool_call && event.kind != K::arguments && event.kind != K::call_signature) return;
    const auto place = std::pair(event.choice, event.block);
    auto known = open_.find(place);
    const bool another =
        known != open_.end() && event.kind == K::tool_call && !event.id.empty() && event.id != known->second.id;
    if (known == open_.end() || another)
      known = open_.insert_or_assign(place, Open{event.id, calls_[event.choice]++}).first;
    event.block = known->second.number;
  }

 private:
  struct Open {
    std::string id;
    std::uint32_t number;
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Open> open_;  // by choice and the server's number
  std::map<std::uint32_t, std::uint32_t> calls_;                  // by choice: how many
};

class StreamDecoder final : public AnswerDecoder {
 public:
  explicit StreamDecoder(AnswerContext context) : context_(std::move(context)), parser_(kMaxFrame) {}

  std::string& input() override { return parser_.input(); }

  Result<std::optional<Batch>> next() override {
    if (done_) return std::optional<Batch>();
    TG_TRY(const auto frame, parser_.next());
    return decode(frame);
  }

  // Several servers leave [DONE] out.
  Result<std::optional<Batch>> end() override {
    if (done_) return std::optional<Batch>();
    TG_TRY(const auto frame, parser_.last());
    if (frame) return decode(frame);
    if (!finished_) return upstream_cut();
    done_ = true;
    Batch last;
    last.events.emplace_back().kind = Event::Kind::done;
    return std::optional<Batch>(std::move(last));
  }

 private:
  Result<std::optional<Batch>> decode(const std::optional<SseFrame>& frame) {
    if (!frame) return std::optional<Batch>();
    TG_TRY(auto batch, decode_chat_event(std::string(frame->raw), frame->data, frame->data_offset));
    for (Event& event : batch.events) {
      numbers_.renumber(event);
      finished_ = finished_ || event.kind == Event::Kind::finish;
      done_ = done_ || event.kind == Event::Kind::done;
    }
    take_off_frame(batch, context_);
    return std::optional<Batch>(std::move(batch));
  }

  AnswerContext context_;
  SseParser parser_;
  CallNumbers numbers_;
  bool finished_ = false;
  bool done_ = false;
};

class BodyDecoder final : public WholeBodyDecoder {
 public:
  explicit BodyDecoder(AnswerContext context) : context_(std::move(context)) {}

 private:
  Result<Batch> decode(const std::string& body) override {
    TG_TRY(auto batch, decode_chat_response(body));
    std::erase_if(batch.events, [](const Event& event) { return event.kind == Event::Kind::done; });
    take_off_frame(batch, context_);
    return batch;
  }

  AnswerContext context_;
};

}  // namespace

std::unique_ptr<AnswerDecoder> chat_decoder(AnswerContext context, std::string_view content_type) {
  if (is_event_stream(content_type)) return std::make_unique<StreamDecoder>(std::move(context));
  return std::make_unique<BodyDecoder>(std::move(context));
}

// The words stay, the form does not: it is another API's.
Error decode_chat_error(const ErrorAnswer& answer) {
  Error error = decode_error_reply(answer.status, answer.body, answer.retry_after_ms, answer.retry_after, answer.date);
  error.upstream_body.clear();
  return error;
}

}  // namespace tollgate::providers
