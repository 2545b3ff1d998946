// Embeddings of the local model: one generation for each text, few at a time, so that a call of two thousand texts
// leaves the department's place in the engine's queue to other calls.
#include <cmath>
#include <map>

#include "gateway/pipeline/local_events.h"
#include "providers/embedding.h"
#include "providers/front_end.h"

namespace tollgate::pipeline {
namespace {

using local_backend::GenerateEvent;

constexpr std::size_t kAtOnce = 4;

// The beginning of a vector, of length 1 again (OpenAI API reference, embeddings/create, dimensions).
void shorten(std::vector<float>& vector, std::size_t dimensions) {
  vector.resize(dimensions);
  double squares = 0;
  for (const float value : vector) squares += double{value} * value;
  if (squares == 0) return;
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
}

Error too_many_dimensions(std::size_t width) {
  return invalid_value("dimensions",
                       "This model's vectors have " + std::to_string(width) + " dimensions: ask for no more.");
}

Result<providers::EmbeddingRequest> asked(const providers::AttemptRequest& request) {
  const auto embeds = providers::front_end(request.call->api).embeds;
  auto out = embeds(providers::splice(*request.call->body, request.edits));
  const bool openai = request.call->api == providers::Api::embeddings;
  if (out && !out->input_type.empty()) out->lossy.emplace_back(openai ? "input_type" : "taskType");
  return out;
}

class EmbeddingsStream final : public providers::EventStream {
 public:
  EmbeddingsStream(std::shared_ptr<local_backend::Engine> engine, net::Executor executor,
                   providers::AttemptRequest request)
      : engine_(std::move(engine)),
        executor_(executor),
        department_(request.department),
        asked_(asked(request)),
        mailbox_(std::make_shared<Mailbox>(executor)) {}

  net::Task<Result<std::optional<providers::Batch>>> next() override {
    if (ended_) co_return std::optional<providers::Batch>();
    if (!asked_) co_return asked_.error();
    if (!engine_) co_return model_gone();
    vectors_.resize(asked_->inputs.size());
    while (done_ < vectors_.size()) {
      while (running_.size() < kAtOnce && begun_ < vectors_.size()) begin(begun_++);
      while (mailbox_->events.empty() && !mailbox_->cancelled) co_await mailbox_->arrived.wait();
      if (mailbox_->cancelled) co_return Error{ErrorKind::cancelled, "The call was cancelled."};
      auto [input, event] = std::move(mailbox_->events.front());
      mailbox_->events.pop_front();
      TG_CO_CHECK(take(input, std::move(event)));
    }
    ended_ = true;
    std::optional<providers::Batch> out = batch();
    co_return out;
  }

  void cancel() override {
    mailbox_->cancelled = true;
    running_.clear();
    mailbox_->arrived.notify();
  }
  bool dispatched() const override { return begun_ > 0; }
  std::string lossy() const override { return asked_ ? providers::listed(asked_->lossy) : std::string(); }

 private:
  void begin(std::size_t input) {
    local_backend::GenerateRequest request;
    request.task = local_backend::Task::embed;
    request.input = asked_->inputs[input];
    request.department = department_;
    running_[input] = engine_->generate(std::move(request), into(mailbox_, executor_, input));
  }

  Status take(std::size_t input, GenerateEvent event) {
    if (event.kind == GenerateEvent::Kind::failed) return to_error(event);
    if (event.kind == GenerateEvent::Kind::embedding) {
      const auto wanted = static_cast<std::size_t>(asked_->dimensions.value_or(0));
      if (wanted > event.embedding.size()) return too_many_dimensions(event.embedding.size());
      if (wanted > 0) shorten(event.embedding, wanted);
      vectors_[input] = std::move(event.embedding);
      return {};
    }
    tokens_ += event.prompt_tokens;
    compute_us_ += event.compute_us;
    running_.erase(input);
    ++done_;
    return {};
  }

  providers::Batch batch() const {
    providers::Batch out;
    for (std::size_t i = 0; i < vectors_.size(); ++i)
      out.events.push_back(providers::embedding_event(static_cast<std::uint32_t>(i), vectors_[i]));
    providers::Event& told = out.events.emplace_back();
    told.kind = providers::Event::Kind::usage;
    told.usage.input = tokens_;
    told.usage.output = 0;
    told.usage.compute_us = compute_us_;
    out.events.emplace_back().kind = providers::Event::Kind::done;
    return out;
  }

  std::shared_ptr<local_backend::Engine> engine_;
  net::Executor executor_;
  std::string department_;
  Result<providers::EmbeddingRequest> asked_;
  std::shared_ptr<Mailbox> mailbox_;
  std::map<std::size_t, std::unique_ptr<local_backend::Generation>> running_;  // by input
  std::vector<std::vector<float>> vectors_;                                    // by input
  std::size_t begun_ = 0;
  std::size_t done_ = 0;
  std::int64_t tokens_ = 0;
  std::int64_t compute_us_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<providers::EventStream> local_embeddings(std::shared_ptr<local_backend::Engine> engine,
                                                         net::Executor executor, providers::AttemptRequest request) {
  return std::make_unique<EmbeddingsStream>(std::move(engine), executor, std::move(request));
}

}  // namespace tollgate::pipeline
