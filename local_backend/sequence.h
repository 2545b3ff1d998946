#pragma once
// One request on its way through the engine: as it waits (Job), and as it runs (Sequence).
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/detokenizer.h"
#include "local_backend/model.h"
#include "local_backend/sampler.h"
#include "local_backend/transformer.h"

namespace tollgate::local_backend {

// Shared by the caller's Generation and the engine; all but `cancelled` is the engine's.
struct Job {
  std::vector<int> prompt;
  SampleRule rule;
  int max_new = 0;  // tokens; prompt and answer fit into the context
  std::vector<std::string> stop;
  std::string department;
  std::function<void(GenerateEvent)> sink;
  std::atomic<bool> cancelled{false};
};

// Reports the end and drops the sink: what it owns must not live as long as the caller's handle, nor die inside a lock.
void report_end(Job& job, GenerateEvent event);

// Used by the engine thread only.
class Sequence {
 public:
  Sequence(std::shared_ptr<Job> job, const Model& model);

  bool cancelled() const { return job_->cancelled.load(std::memory_order_relaxed); }
  bool prefilling() const { return cached_ < static_cast<int>(job_->prompt.size()); }
  // Appends at most `limit` rows: the next tokens whose keys and values are not in the cache. Returns how many.
  int add_rows(std::vector<StepRow>& rows, int limit);
  // Takes the token sampled after the last row; may emit text, and the end of the answer.
  void accept(int token);
  // REQUIRES: !done()
  void fail(FailureKind kind, const std::string& message);
  void charge(std::int64_t nanoseconds) { compute_ns_ += nanoseconds; }

  bool done() const { return done_; }
  const SampleRule& rule() const { return job_->rule; }
  std::int64_t next_position() const { return static_cast<std::int64_t>(job_->prompt.size()) + completion_; }
  std::int64_t tokens() const { return next_position(); }

 private:
  GenerateEvent event(GenerateEvent::Kind kind) const;
  void emit_text(std::string text);
  void finish(FinishReason reason);

  std::shared_ptr<Job> job_;
  const Model& model_;
  KvCache cache_;
  Utf8Stream characters_;
  StopMatcher stops_;
  int cached_ = 0;  // positions in the cache, rows added included
  int next_ = 0;    // the token sampled last
  int completion_ = 0;
  std::int64_t compute_ns_ = 0;
  bool done_ = false;
};

}  // namespace tollgate::local_backend
