#include "local_backend/sequence.h"

#include <algorithm>
#include <utility>

namespace tollgate::local_backend {

void report_end(Job& job, const GenerateEvent& event) noexcept {
  const auto sink = std::exchange(job.sink, nullptr);
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      return sink(event);
    } catch (const std::exception&) {
    }
  }
}

void report_failure(Job& job, FailureKind kind, std::string_view message) noexcept {
  GenerateEvent event;
  event.kind = GenerateEvent::Kind::failed;
  event.failure = kind;
  try {
    event.message = message;
  } catch (const std::bad_alloc&) {
  }
  report_end(job, event);
}

Sequence::Sequence(std::shared_ptr<Job> job, const Model& model, KvPool& pool, std::int64_t arrival)
    : job_(std::move(job)), model_(model), arrival_(arrival), table_(pool), tokens_(job_->prompt), stops_(job_->stop) {}

bool Sequence::place(int spare) {
  // The last token is always computed: its logits are wanted.
  const int cached = table_.adopt(job_->department, std::span<const int>(tokens_).first(tokens_.size() - 1));
  const int wanted = (static_cast<int>(tokens_.size()) + table_.block_tokens()) / table_.block_tokens();
  if (!table_.can_reserve(wanted, spare) || !extend()) {
    table_.clear();
    return false;
  }
  computed_ = cached;
  if (!std::exchange(placed_before_, true)) cached_tokens_ = cached;
  return true;
}

void Sequence::preempt() {
  table_.clear();
  computed_ = 0;
  ++preemptions_;
}

int Sequence::add_rows(std::vector<StepRow>& rows, int limit) {
  const int size = static_cast<int>(tokens_.size());
  const int count = std::min(limit, size - computed_);
  for (int i = 0; i < count; ++i, ++computed_) {
    rows.push_back({tokens_[static_cast<std::size_t>(computed_)], computed_, &table_, computed_ + 1 == size});
  }
  return count;
}

void Sequence::accept(int token) {
  tokens_.push_back(token);
  ++completion_;
  if (model_.ends_answer(token)) return finish(FinishReason::stop);
  std::string text;
  std::string certain;
  characters_.feed(completion_ == 1 ? model_.tokenizer.first_bytes_of(token) : model_.tokenizer.bytes_of(token), text);
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
  out.prompt_tokens = prompt_tokens();
  out.cached_tokens = cached_tokens_;
  out.completion_tokens = completion_;
  report_end(*job_, out);
}

void Sequence::fail(FailureKind kind, std::string_view message) noexcept {
  done_ = true;
  report_failure(*job_, kind, message);
}

}  // namespace tollgate::local_backend
