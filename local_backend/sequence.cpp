#include "local_backend/sequence.h"

#include <algorithm>
#include <utility>

namespace tollgate::local_backend {

void report_end(Job& job, GenerateEvent event) {
  const auto sink = std::exchange(job.sink, nullptr);
  sink(std::move(event));
}

Sequence::Sequence(std::shared_ptr<Job> job, const Model& model)
    : job_(std::move(job)),
      model_(model),
      cache_(model.spec, static_cast<int>(job_->prompt.size()) + job_->max_new),
      stops_(job_->stop) {}

int Sequence::add_rows(std::vector<StepRow>& rows, int limit) {
  if (!prefilling()) {
    rows.push_back({next_, cached_++, &cache_, true});
    return 1;
  }
  const int size = static_cast<int>(job_->prompt.size());
  const int count = std::min(limit, size - cached_);
  for (int i = 0; i < count; ++i, ++cached_) {
    rows.push_back({job_->prompt[static_cast<std::size_t>(cached_)], cached_, &cache_, cached_ + 1 == size});
  }
  return count;
}

void Sequence::accept(int token) {
  ++completion_;
  next_ = token;
  if (model_.ends_answer(token)) return finish(FinishReason::stop);
  std::string text;
  std::string certain;
  characters_.feed(model_.tokenizer.bytes_of(token), text);
  const bool stopped = stops_.feed(text, certain);
  emit_text(std::move(certain));
  if (stopped) {
    stops_ = StopMatcher({});
    characters_ = {};
    return finish(FinishReason::stop);
  }
  if (completion_ >= job_->max_new) finish(FinishReason::length);
}

GenerateEvent Sequence::event(GenerateEvent::Kind kind) const {
  GenerateEvent out;
  out.kind = kind;
  out.compute_us = compute_ns_ / 1000;
  return out;
}

void Sequence::emit_text(std::string text) {
  if (text.empty()) return;
  GenerateEvent out = event(GenerateEvent::Kind::text);
  out.text = std::move(text);
  job_->sink(std::move(out));
}

void Sequence::finish(FinishReason reason) {
  std::string text;
  std::string certain;
  characters_.finish(text);
  bool stopped = stops_.feed(text, certain);
  if (!stopped) stopped = stops_.finish(certain);
  emit_text(std::move(certain));
  done_ = true;
  GenerateEvent out = event(GenerateEvent::Kind::finished);
  out.finish = stopped ? FinishReason::stop : reason;
  out.prompt_tokens = static_cast<std::int64_t>(job_->prompt.size());
  out.completion_tokens = completion_;
  report_end(*job_, std::move(out));
}

void Sequence::fail(FailureKind kind, const std::string& message) {
  done_ = true;
  GenerateEvent out = event(GenerateEvent::Kind::failed);
  out.failure = kind;
  out.message = message;
  report_end(*job_, std::move(out));
}

}  // namespace tollgate::local_backend
