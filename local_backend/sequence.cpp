#include "local_backend/sequence.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tollgate::local_backend {

void report_end(Job& job, const GenerateEvent& event) noexcept {
  const auto sink = std::exchange(job.sink, nullptr);
  for (int attempt = 0; sink && attempt < 2; ++attempt) {
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

Sequence::Sequence(std::shared_ptr<Job> job, int choice, const Model& model, KvPool& pool, std::int64_t arrival)
    : job_(std::move(job)),
      choice_(choice),
      rule_(job_->rule),
      model_(model),
      arrival_(arrival),
      table_(pool),
      tokens_(job_->prompt),
      stops_(job_->stop),
      calls_(job_->tools) {
  rule_.seed += static_cast<std::uint64_t>(choice) * 0x9E3779B97F4A7C15U;  // another stream for each choice
}

bool Sequence::place(int spare) {
  // The last token is always computed: its logits are wanted. Of a mean every token is.
  const std::size_t known = embeds() ? 0 : tokens_.size() - 1;
  const int cached = table_.adopt(job_->department, std::span<const int>(tokens_).first(known));
  const int wanted = (static_cast<int>(tokens_.size()) + table_.block_tokens()) / table_.block_tokens();
  if (!table_.can_reserve(wanted, spare) || !extend()) {
    table_.clear();
    return false;
  }
  computed_ = cached;
  if (!std::exchange(placed_before_, true)) cached_tokens_ = cached;
  return true;
}

void Sequence::rest() {
  table_.clear();
  computed_ = 0;
  pooled_.clear();
  pooled_rows_ = 0;
}

void Sequence::preempt() {
  rest();
  ++preemptions_;
}

int Sequence::add_rows(std::vector<StepRow>& rows, int limit) {
  const int size = static_cast<int>(tokens_.size());
  const int count = std::min(limit, size - computed_);
  const bool every = embeds() && model_.embedding.pooling == Pooling::mean;
  for (int i = 0; i < count; ++i, ++computed_) {
    const bool last = computed_ + 1 == size;
    rows.push_back({.token = tokens_[static_cast<std::size_t>(computed_)],
                    .position = computed_,
                    .cache = &table_,
                    .wants_logits = last && !embeds(),
                    .wants_hidden = every || (last && embeds())});
  }
  return count;
}

bool Sequence::advance(Sampler& sampler, std::span<const float> logits) {
  const std::span<const int> all(tokens_);
  Past past{.prompt = job_->prompt, .answer = all.subspan(job_->prompt.size())};
  if (job_->automaton) {
    past.mask = job_->automaton->mask(state_, rule_.enders);
    if (past.mask == nullptr) {
      fail(FailureKind::invalid_request, "the JSON schema has too many alternatives at once for the local model");
      return true;
    }
  }
  const int token = sampler.choose(logits, rule_, static_cast<std::int64_t>(tokens_.size()), past);
  if (token == Sampler::kNoToken) {
    fail(FailureKind::internal, "the model has no token that could follow");
    return true;
  }
  if (token < 0) return false;
  if (job_->logprobs >= 0 && !ends(token)) score(sampler, logits, token);
  accept(token);
  return true;
}

std::optional<std::int64_t> Sequence::pause_before(std::int64_t now_ns) {
  const std::int64_t before = std::exchange(token_ns_, now_ns);
  if (before == 0) return std::nullopt;
  return now_ns - before;
}

bool Sequence::pool(std::span<const float> hidden) {
  pooled_.resize(hidden.size());
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    if (!std::isfinite(hidden[i])) return false;
    pooled_[i] += hidden[i];
  }
  const int rows = model_.embedding.pooling == Pooling::mean ? prompt_tokens() : 1;
  if (++pooled_rows_ == rows) finish_embedding();
  return true;
}

// A mean and a sum have the same direction, and the length becomes 1 anyway.
void Sequence::finish_embedding() {
  double squares = 0;
  for (const double value : pooled_) squares += value * value;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  GenerateEvent out = event(GenerateEvent::Kind::embedding);
  for (const double value : pooled_) out.embedding.push_back(static_cast<float>(value * scale));
  tell(std::move(out));
  done_ = true;
  GenerateEvent end = event(GenerateEvent::Kind::finished);
  end.prompt_tokens = prompt_tokens();
  job_->unfinished = 0;
  report_end(*job_, end);
}

bool Sequence::ends(int token) const { return std::ranges::find(rule_.enders, token) != rule_.enders.end(); }

void Sequence::score(const Sampler& sampler, std::span<const float> logits, int token) {
  const auto named = [this](const TokenScore& score) {
    const std::string_view bytes = model_.tokenizer.bytes_of(score.token);
    return TokenLogprob{std::string(bytes.empty() ? model_.tokenizer.added_token(score.token) : bytes), score.logprob};
  };
  const auto scores = sampler.scores(logits, token, job_->logprobs);
  Scored& scored = scored_.emplace_back(Scored{{named(scores.front()), {}}, decoded_});
  for (std::size_t i = 1; i < scores.size(); ++i) scored.entry.top.push_back(named(scores[i]));
}

std::string_view Sequence::bytes_of(int token) const {
  const Tokenizer& tokenizer = model_.tokenizer;
  if (job_->tools && model_.marks_call(token)) return tokenizer.added_token(token);
  return completion_ == 1 ? tokenizer.first_bytes_of(token) : tokenizer.bytes_of(token);
}

void Sequence::accept(int token) {
  tokens_.push_back(token);
  ++completion_;
  if (ends(token)) return finish(FinishReason::stop);
  const auto bytes = bytes_of(token);
  std::string text;
  std::string certain;
  characters_.feed(bytes, text);
  decoded_ += text.size();
  const bool stopped = stops_.feed(text, certain);
  emit(certain);
  if (stopped) {
    stops_ = StopMatcher({});
    characters_ = {};
    scored_.clear();
    return finish(FinishReason::stop);
  }
  if (job_->automaton) {
    state_ = job_->automaton->advance(state_, bytes);
    if (job_->automaton->complete(state_)) return finish(FinishReason::stop);
  }
  if (calls_.satisfied()) return finish(FinishReason::stop);
  if (completion_ >= job_->max_new) finish(FinishReason::length);
}

// Of the tokens whose text is shown. REQUIRES: shown_ is up to date
std::vector<LogprobEntry> Sequence::scored_text() {
  std::vector<LogprobEntry> out;
  for (; !scored_.empty() && scored_.front().begin < shown_; scored_.pop_front())
    out.push_back(std::move(scored_.front().entry));
  return out;
}

GenerateEvent Sequence::event(GenerateEvent::Kind kind) const {
  GenerateEvent out;
  out.kind = kind;
  out.choice = choice_;
  out.compute_us = compute_ns_ / 1000;
  return out;
}

void Sequence::emit(std::string_view text) {
  ToolCallReader::Found found;
  calls_.feed(text, found);
  emit_text(std::move(found.text));
  emit_calls(std::move(found.calls));
}

void Sequence::emit_calls(std::vector<ToolCall> calls) {
  for (ToolCall& call : calls) {
    GenerateEvent out = event(GenerateEvent::Kind::tool_call);
    out.call = std::move(call);
    tell(std::move(out));
  }
}

void Sequence::emit_text(std::string text) {
  if (text.empty()) return;
  GenerateEvent out = event(GenerateEvent::Kind::text);
  shown_ += text.size();
  out.text = std::move(text);
  out.logprobs = scored_text();
  tell(std::move(out));
}

void Sequence::tell(GenerateEvent event) {
  job_->unread.fetch_add(1, std::memory_order_relaxed);
  job_->sink(std::move(event));
}

void Sequence::finish(FinishReason reason) {
  std::string text;
  std::string certain;
  characters_.finish(text);
  bool stopped = stops_.feed(text, certain);
  if (!stopped) stopped = stops_.finish(certain);
  emit(certain);
  ToolCallReader::Found rest;
  calls_.finish(rest);
  emit_text(std::move(rest.text));
  emit_calls(std::move(rest.calls));
  done_ = true;
  GenerateEvent out = event(GenerateEvent::Kind::finished);
  out.finish = stopped ? FinishReason::stop : reason;
  if (calls_.calls() > 0 && out.finish == FinishReason::stop) out.finish = FinishReason::tool_calls;
  out.prompt_tokens = prompt_tokens();
  out.cached_tokens = cached_tokens_;
  out.completion_tokens = completion_;
  for (Scored& scored : scored_) out.logprobs.push_back(std::move(scored.entry));
  if (--job_->unfinished == 0) return report_end(*job_, out);
  job_->sink(std::move(out));
}

void Sequence::fail(FailureKind kind, std::string_view message) noexcept {
  done_ = true;
  report_failure(*job_, kind, message);
}

}  // namespace tollgate::local_backend
