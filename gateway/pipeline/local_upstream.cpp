#include "gateway/pipeline/local_upstream.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "gateway/pipeline/local_events.h"
#include "gateway/pipeline/local_request.h"
#include "local_backend/unicode.h"
#include "providers/chat_writer.h"
#include "providers/front_end.h"

namespace tollgate::pipeline {
namespace {

using local_backend::GenerateEvent;
using providers::Batch;
using providers::Event;

// Of an answer that nobody reads so many events wait in memory, then it pauses; the engine is told of what was read in
// parts of this size.
constexpr int kMostUnread = 128;
constexpr int kReadAtOnce = 32;

constexpr double kLeastLogprob = -9999;  // what OpenAI says for "hardly ever"

std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// Entries of logprobs.content (OpenAI API reference, chat/completions/object). `token` has to be text: what is a part
// of a character shows as U+FFFD there, and is whole in `bytes`.
void append_token(const local_backend::TokenLogprob& token, std::string& out) {
  out += R"({"token":)";
  providers::append_json_string(out, local_backend::to_valid_utf8(token.bytes));
  out += ",\"logprob\":" + shortest(std::max(token.logprob, kLeastLogprob)) + ",\"bytes\":[";
  const char* separator = "";
  for (const char byte : token.bytes)
    out += std::exchange(separator, ",") + std::to_string(static_cast<unsigned char>(byte));
  out += ']';
}

std::string entries_of(const std::vector<local_backend::LogprobEntry>& scores) {
  std::string out;
  for (const auto& score : scores) {
    if (!out.empty()) out += ',';
    append_token(score.token, out);
    out += ",\"top_logprobs\":[";
    const char* separator = "";
    for (const auto& token : score.top) {
      out += std::exchange(separator, ",");
      append_token(token, out);
      out += '}';
    }
    out += "]}";
  }
  return out;
}

std::string_view finish_word(local_backend::FinishReason reason) {
  using local_backend::FinishReason;
  if (reason == FinishReason::length) return "length";
  return reason == FinishReason::tool_calls ? "tool_calls" : "stop";
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
    if (!canonical_) return {};
    const bool takes_tools = engine_ && engine_->facts().takes_tools;
    return providers::listed(left_out_by_local_model(*canonical_, takes_tools));
  }

 private:
  Result<providers::CanonicalRequest> canonical() const;
  Status begin();
  GenerateEvent take_event();
  Batch to_batch(GenerateEvent event);
  void add_finish(const GenerateEvent& event, Batch& batch);
  void add_call(GenerateEvent event, Batch& batch);

  std::shared_ptr<local_backend::Engine> engine_;
  net::Executor executor_;
  providers::AttemptRequest request_;
  Result<providers::CanonicalRequest> canonical_ = Error{};
  std::shared_ptr<Mailbox> mailbox_;  // outlives the stream in posts that are under way
  std::unique_ptr<local_backend::Generation> generation_;
  std::int64_t unfinished_ = 1;         // choices
  int untold_ = 0;                      // events that were read, as the engine does not know yet
  providers::Usage usage_;              // of those that are finished
  std::map<int, std::uint32_t> calls_;  // by choice: how many were made
};

Result<providers::CanonicalRequest> LocalStream::canonical() const {
  const auto canonicalise = providers::front_end(request_.call->api).canonicalise;
  if (canonicalise == nullptr)
    return invalid_value("model", "This model writes text and embeds it: call it by a chat API, or ask for embeddings.",
                         "unsupported_api");
  auto out = canonicalise(providers::splice(*request_.call->body, request_.edits));
  if (out && out->logprobs && request_.call->api != providers::Api::chat) {  // others have no place for them yet
    providers::note_lossy(out->lossy, "logprobs");
    out->logprobs = false;
  }
  return out;
}

Status LocalStream::begin() {
  if (!canonical_) return canonical_.error();
  if (!engine_) return model_gone();
  TG_TRY(auto generate, local_request(*canonical_, request_.department));
  unfinished_ = canonical_->n;
  generate.most_unread = kMostUnread;
  generation_ = engine_->generate(std::move(generate), into(mailbox_, executor_));
  return {};
}

// The prompt is computed, and told, once for all choices.
void LocalStream::add_finish(const GenerateEvent& event, Batch& batch) {
  Event& finish = batch.events.emplace_back();
  finish.kind = Event::Kind::finish;
  finish.choice = static_cast<std::uint32_t>(event.choice);
  finish.text = finish_word(event.finish);
  usage_.input = event.prompt_tokens;
  usage_.output = std::max<std::int64_t>(usage_.output, 0) + event.completion_tokens;
  if (event.choice == 0) usage_.cached_input = event.cached_tokens;
  usage_.compute_us += event.compute_us;
  if (--unfinished_ > 0) return;
  Event& usage = batch.events.emplace_back();
  usage.kind = Event::Kind::usage;
  usage.usage = usage_;
}

// Ids are our own: the model does not name its calls.
void LocalStream::add_call(GenerateEvent event, Batch& batch) {
  const std::uint32_t block = calls_[event.choice]++;
  Event& call = batch.events.emplace_back();
  call.kind = Event::Kind::tool_call;
  call.choice = static_cast<std::uint32_t>(event.choice);
  call.block = block;
  call.id = "call_" + request_.request_id + "_" + std::to_string(event.choice) + "_" + std::to_string(block);
  call.text = std::move(event.call.name);
  Event arguments = call;
  arguments.kind = Event::Kind::arguments;
  arguments.id.clear();
  arguments.text = std::move(event.call.arguments);
  batch.events.push_back(std::move(arguments));
}

Batch LocalStream::to_batch(GenerateEvent event) {
  Batch batch;
  if (event.kind == GenerateEvent::Kind::tool_call) {
    add_call(std::move(event), batch);
    return batch;
  }
  if (!event.logprobs.empty()) {
    Event& scores = batch.events.emplace_back();
    scores.kind = Event::Kind::logprobs;
    scores.choice = static_cast<std::uint32_t>(event.choice);
    scores.text = entries_of(event.logprobs);
  }
  if (event.kind == GenerateEvent::Kind::finished) {
    add_finish(event, batch);
    return batch;
  }
  Event& text = batch.events.emplace_back();
  text.kind = Event::Kind::text;
  text.choice = static_cast<std::uint32_t>(event.choice);
  text.text = std::move(event.text);
  return batch;
}

GenerateEvent LocalStream::take_event() {
  GenerateEvent event = std::move(mailbox_->events.front().second);
  mailbox_->events.pop_front();
  if (++untold_ == kReadAtOnce) generation_->read(std::exchange(untold_, 0));
  return event;
}

net::Task<Result<std::optional<Batch>>> LocalStream::next() {
  if (unfinished_ == 0) co_return std::optional<Batch>();
  if (!generation_ && !mailbox_->cancelled) TG_CO_CHECK(begin());
  while (mailbox_->events.empty() && !mailbox_->cancelled) co_await mailbox_->arrived.wait();
  if (mailbox_->cancelled) co_return Error{ErrorKind::cancelled, "The call was cancelled."};
  GenerateEvent event = take_event();
  if (event.kind == GenerateEvent::Kind::failed) co_return to_error(event);
  std::optional<Batch> batch = to_batch(std::move(event));
  co_return batch;
}

class LocalUpstream final : public providers::Upstream {
 public:
  LocalUpstream(EngineSource engine, net::Executor executor) : engine_(std::move(engine)), executor_(executor) {}
  std::unique_ptr<providers::EventStream> start(providers::AttemptRequest request) override {
    if (providers::front_end(request.call->api).embeds != nullptr)
      return local_embeddings(engine_(), executor_, std::move(request));
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
