#include "gateway/pipeline/local_upstream.h"

#include <boost/asio/post.hpp>

#include <deque>

#include "gateway/net/signal.h"
#include "providers/front_end.h"

namespace tollgate::pipeline {
namespace {

using local_backend::FailureKind;
using local_backend::GenerateEvent;
using providers::Batch;
using providers::Event;

// Where the engine's events wait for the reader. Touched on the reader's loop only; the engine posts to it.
struct Mailbox {
  explicit Mailbox(net::Executor executor) : arrived(executor) {}
  std::deque<GenerateEvent> events;
  net::Signal arrived;
  bool cancelled = false;
};

Error to_error(const GenerateEvent& event) {
  Error error{.kind = ErrorKind::upstream_error, .message = event.message, .code = event.code};
  switch (event.failure) {
    case FailureKind::invalid_request:
      error.kind = ErrorKind::invalid_request;
      error.retryable = false;
      break;
    case FailureKind::overloaded:
      error.kind = ErrorKind::overloaded;
      if (event.retry_after_ms >= 0) error.retry_after = std::chrono::milliseconds(event.retry_after_ms);
      break;
    case FailureKind::cancelled:
      error.kind = ErrorKind::cancelled;
      break;
    case FailureKind::internal:
      break;
  }
  return error;
}

std::string_view role_name(providers::Role role) {
  switch (role) {
    case providers::Role::system:
      return "system";
    case providers::Role::assistant:
      return "assistant";
    case providers::Role::tool:
      return "tool";
    default:
      return "user";
  }
}

// The model reads text: what else a message holds is left out, and the caller is told.
void note_part(const providers::CanonicalPart& part, std::vector<std::string>& lossy) {
  using Kind = providers::CanonicalPart::Kind;
  static constexpr std::pair<Kind, std::string_view> kNames[] = {{Kind::image, "messages.content.image_url"},
                                                                 {Kind::audio, "messages.content.input_audio"},
                                                                 {Kind::file, "messages.content.file"},
                                                                 {Kind::tool_call, "messages.tool_calls"}};
  for (const auto& [kind, name] : kNames)
    if (part.kind == kind) providers::note_lossy(lossy, name);
  if (part.kind == Kind::unknown) providers::note_lossy(lossy, "messages.content." + part.name);
}

std::vector<std::string> left_out(const providers::CanonicalRequest& request) {
  std::vector<std::string> lossy = request.lossy;
  const auto note = [&lossy](bool asked, std::string_view field) {
    if (asked) providers::note_lossy(lossy, field);
  };
  for (const auto& message : request.messages)
    for (const auto& part : message.parts) note_part(part, lossy);
  note(!request.tools.empty(), "tools");
  note(request.tool_choice.mode != providers::ToolChoice::Mode::unset, "tool_choice");
  note(request.parallel_tool_calls.has_value(), "parallel_tool_calls");
  note(request.response_format.kind != providers::ResponseFormat::Kind::text, "response_format");
  note(request.reasoning_effort != providers::ReasoningEffort::unset, "reasoning_effort");
  note(request.top_k.has_value(), "top_k");
  note(request.frequency_penalty.has_value(), "frequency_penalty");
  note(request.presence_penalty.has_value(), "presence_penalty");
  note(request.logprobs, "logprobs");
  for (const auto& extra : request.extras) note(true, extra.name);
  return lossy;
}

// A tool's result is text of its own part.
std::string text_of(const providers::CanonicalMessage& message) {
  std::string out = message.text();
  for (const auto& part : message.parts)
    for (const auto& inner : part.content) out += inner.text;
  return out;
}

Result<local_backend::GenerateRequest> to_request(const providers::CanonicalRequest& canonical,
                                                  const std::string& department) {
  if (canonical.n != 1)
    return Error{.kind = ErrorKind::invalid_request,
                 .message = "This model answers with one choice: n must be 1.",
                 .code = "unsupported_value",
                 .param = "n",
                 .retryable = false};
  local_backend::GenerateRequest out;
  for (const auto& m : canonical.messages) out.messages.push_back({std::string(role_name(m.role)), text_of(m)});
  out.sampling.temperature = canonical.temperature.value_or(1.0);
  out.sampling.top_p = canonical.top_p.value_or(1.0);
  out.sampling.seeded = canonical.seed.has_value();
  out.sampling.seed = static_cast<std::uint64_t>(canonical.seed.value_or(0));
  out.sampling.max_tokens = static_cast<int>(std::min<std::int64_t>(canonical.max_tokens.value_or(0), 1 << 20));
  out.sampling.stop = canonical.stop;
  out.department = department;
  return out;
}

class LocalStream final : public providers::EventStream {
 public:
  LocalStream(std::shared_ptr<local_backend::Engine> engine, net::Executor executor, providers::AttemptRequest request)
      : engine_(std::move(engine)),
        executor_(executor),
        request_(std::move(request)),
        mailbox_(std::make_shared<Mailbox>(executor)) {
    canonical_ = canonical();
  }

  net::Task<Result<std::optional<Batch>>> next() override;

  void cancel() override {
    mailbox_->cancelled = true;
    if (generation_) generation_->cancel();
    mailbox_->arrived.notify();
  }
  bool dispatched() const override { return generation_ != nullptr; }

  std::string lossy() const override {
    std::string out;
    if (!canonical_) return out;
    for (const auto& field : left_out(*canonical_)) out += (out.empty() ? "" : ", ") + field;
    return out;
  }

 private:
  Result<providers::CanonicalRequest> canonical() const {
    const auto canonicalise = providers::front_end(request_.call->api).canonicalise;
    if (canonicalise != nullptr) return canonicalise(providers::splice(*request_.call->body, request_.edits));
    return Error{.kind = ErrorKind::invalid_request,
                 .message = "This model writes text and nothing else: call it by a chat API.",
                 .code = "unsupported_api",
                 .param = "model",
                 .retryable = false};
  }
  Status begin();
  static Batch to_batch(GenerateEvent event);
  static Batch finish_batch(const GenerateEvent& event);

  std::shared_ptr<local_backend::Engine> engine_;
  net::Executor executor_;
  providers::AttemptRequest request_;
  Result<providers::CanonicalRequest> canonical_ = Error{};
  std::shared_ptr<Mailbox> mailbox_;  // outlives the stream in posts that are under way
  std::unique_ptr<local_backend::Generation> generation_;
  bool ended_ = false;
};

Status LocalStream::begin() {
  if (!canonical_) return canonical_.error();
  if (!engine_) return Error{ErrorKind::upstream_error, "This model is not here any more."};
  TG_TRY(auto generate, to_request(*canonical_, request_.department));
  generation_ = engine_->generate(std::move(generate), [mailbox = mailbox_, executor = executor_](GenerateEvent event) {
    net::asio::post(executor, [mailbox, event = std::move(event)]() mutable {
      mailbox->events.push_back(std::move(event));
      mailbox->arrived.notify();
    });
  });
  return {};
}

Batch LocalStream::finish_batch(const GenerateEvent& event) {
  Batch batch;
  Event finish;
  finish.kind = Event::Kind::finish;
  finish.text = event.finish == local_backend::FinishReason::length ? "length" : "stop";
  Event usage;
  usage.kind = Event::Kind::usage;
  usage.usage.input = event.prompt_tokens;
  usage.usage.output = event.completion_tokens;
  batch.events = {std::move(finish), std::move(usage)};
  return batch;
}

Batch LocalStream::to_batch(GenerateEvent event) {
  if (event.kind == GenerateEvent::Kind::finished) return finish_batch(event);
  Batch batch;
  Event text;
  text.kind = Event::Kind::text;
  text.text = std::move(event.text);
  batch.events.push_back(std::move(text));
  return batch;
}

net::Task<Result<std::optional<Batch>>> LocalStream::next() {
  if (ended_) co_return std::optional<Batch>();
  if (!generation_ && !mailbox_->cancelled) TG_CO_CHECK(begin());
  while (mailbox_->events.empty() && !mailbox_->cancelled) co_await mailbox_->arrived.wait();
  if (mailbox_->cancelled) co_return Error{ErrorKind::cancelled, "The call was cancelled."};
  GenerateEvent event = std::move(mailbox_->events.front());
  mailbox_->events.pop_front();
  if (event.kind == GenerateEvent::Kind::failed) co_return to_error(event);
  ended_ = event.kind == GenerateEvent::Kind::finished;
  std::optional<Batch> batch = to_batch(std::move(event));
  co_return batch;
}

class LocalUpstream final : public providers::Upstream {
 public:
  LocalUpstream(EngineSource engine, net::Executor executor) : engine_(std::move(engine)), executor_(executor) {}
  std::unique_ptr<providers::EventStream> start(providers::AttemptRequest request) override {
    return std::make_unique<LocalStream>(engine_(), executor_, std::move(request));
  }

 private:
  EngineSource engine_;
  net::Executor executor_;
};

}  // namespace

std::unique_ptr<providers::Upstream> local_upstream(EngineSource engine, net::Executor executor) {
  return std::make_unique<LocalUpstream>(std::move(engine), executor);
}

}  // namespace tollgate::pipeline
