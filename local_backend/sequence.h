#pragma once
// One request on its way through the engine: as it waits (Job), and as it runs (Sequence).
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/detokenizer.h"
#include "local_backend/forward_pass.h"
#include "local_backend/json_automaton.h"
#include "local_backend/model.h"
#include "local_backend/sampler.h"
#include "local_backend/tool_calls.h"

namespace tollgate::local_backend {

// Shared by the caller's Generation and the engine; all but `cancelled` and `unread` is the engine's.
struct Job {
  std::vector<int> prompt;
  SampleRule rule;
  int max_new = 0;  // tokens; prompt and answer fit into the context
  std::vector<std::string> stop;
  std::shared_ptr<JsonAutomaton> automaton;  // of the format asked for; null: any text
  std::shared_ptr<const ToolReading> tools;  // null: calls are not looked for
  int logprobs = -1;
  int choices = 1;
  std::string department;
  bool embeds = false;                      // the vector of the prompt is wanted, and no token after it
  std::int64_t arrived_ns = 0;              // on the engine's clock
  int most_unread = 0;                      // events; 0: any number
  std::atomic<int> unread{0};               // events that were told and not read
  std::function<void(GenerateEvent)> sink;  // null: the end was reported
  int unfinished = 1;                       // choices
  std::atomic<bool> cancelled{false};
};

// What waits for its turn: a choice of a job. The first computes the prompt, the others wait until they can share it.
struct Turn {
  std::shared_ptr<Job> job;
  int choice = 0;
};

// Report the end and drop the sink: what it owns must not live as long as the caller's handle, nor die inside a lock. A
// sink that throws is asked once more; an engine that has no memory left still serves the others.
void report_end(Job& job, const GenerateEvent& event) noexcept;
void report_failure(Job& job, FailureKind kind, std::string_view message) noexcept;

// One choice of a job. Used by the engine thread only.
class Sequence {
 public:
  // `arrival`: who came earlier has the smaller one.
  Sequence(std::shared_ptr<Job> job, int choice, const Model& model, KvPool& pool, std::int64_t arrival);

  bool cancelled() const { return job_->cancelled.load(std::memory_order_relaxed); }
  bool done() const { return done_ || !job_->sink; }
  const std::shared_ptr<Job>& job() const { return job_; }
  int choice() const { return choice_; }
  std::int64_t arrival() const { return arrival_; }
  int preemptions() const { return preemptions_; }
  std::int64_t tokens() const { return static_cast<std::int64_t>(tokens_.size()); }
  int prompt_tokens() const { return static_cast<int>(job_->prompt.size()); }
  int cached_tokens() const { return cached_tokens_; }  // of the prompt, at the first start
  bool answering() const { return completion_ > 0; }
  bool embeds() const { return job_->embeds; }
  // Its reader is behind: it does not go on until he has read.
  bool paused() const {
    return !done() && job_->most_unread > 0 && job_->unread.load(std::memory_order_relaxed) >= job_->most_unread;
  }

  // Takes blocks for all its tokens and one more, and shares what is cached of them. False when the pool would have
  // fewer than `spare` left. Throws std::bad_alloc.
  bool place(int spare);
  // Makes room for the next token. False when there is no block. Throws std::bad_alloc.
  bool extend() { return table_.reserve(static_cast<int>(tokens_.size())); }
  // Gives the blocks back; what they held is computed again after the next place(), where it is not in the cache then.
  void rest();
  void preempt();  // rest() for others' sake

  // Tokens whose keys and values are still to be computed.
  int pending() const { return static_cast<int>(tokens_.size()) - computed_; }
  // Appends at most `limit` rows, the first of the pending ones. Returns how many.
  int add_rows(std::vector<StepRow>& rows, int limit);
  // The rows added were computed: others may share the blocks that are full.
  void publish() { table_.publish(job_->department, tokens_, computed_); }
  // Draws the token after the last row and takes it; may emit text, and the end of the answer. False when a logit is
  // not finite.
  bool advance(Sampler& sampler, std::span<const float> logits);
  // Takes what the model made of one of the rows that want it; the last of them ends the sequence. False when a value
  // is not finite.
  bool pool(std::span<const float> hidden);
  // Since its last token, in nanoseconds; its first has none.
  std::optional<std::int64_t> pause_before(std::int64_t now_ns);
  // REQUIRES: !done()
  void fail(FailureKind kind, std::string_view message) noexcept;
  void charge(std::int64_t nanoseconds) { compute_ns_ += nanoseconds; }

 private:
  void accept(int token);
  bool ends(int token) const;
  void score(const Sampler& sampler, std::span<const float> logits, int token);
  std::vector<LogprobEntry> scored_text();
  GenerateEvent event(GenerateEvent::Kind kind) const;
  std::string_view bytes_of(int token) const;
  void emit(std::string_view text);
  void emit_text(std::string text);
  void emit_calls(std::vector<ToolCall> calls);
  void finish(FinishReason reason);
  void finish_embedding();
  void tell(GenerateEvent event);

  // A token's scores wait for its text: a stop string may swallow it.
  struct Scored {
    LogprobEntry entry;
    std::size_t begin;  // where its text begins in the answer
  };

  std::shared_ptr<Job> job_;
  int choice_;
  SampleRule rule_;
  const Model& model_;
  std::int64_t arrival_;
  KvTable table_;
  std::vector<int> tokens_;  // prompt and answer
  Utf8Stream characters_;
  StopMatcher stops_;
  ToolCallReader calls_;
  int state_ = JsonAutomaton::kStart;
  std::deque<Scored> scored_;
  std::size_t decoded_ = 0;  // bytes of text, those held back included
  std::size_t shown_ = 0;
  std::vector<double> pooled_;
  int pooled_rows_ = 0;
  std::int64_t token_ns_ = 0;
  int computed_ = 0;  // positions in the cache, rows added included
  int completion_ = 0;
  int cached_tokens_ = 0;
  int preemptions_ = 0;
  bool placed_before_ = false;
  std::int64_t compute_ns_ = 0;
  bool done_ = false;
};

}  // namespace tollgate::local_backend
