#pragma once
// Which sequences run, and what the next step computes for each: continuous batching over a pool of cache blocks. Used
// by the engine thread only.
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "local_backend/sequence.h"

namespace tollgate::local_backend {

struct StepPlan {
  std::vector<StepRow> rows;
  std::vector<Sequence*> owners;  // of each row
};

class Scheduler {
 public:
  // Both must outlive this. REQUIRES: the pool holds the longest sequence there can be, so that one alone can always go
  // on.
  Scheduler(const Model& model, KvPool& pool, std::size_t max_running, PrefillRows prefill);

  bool idle() const { return running_.empty() && waiting_.empty(); }
  std::size_t running() const { return running_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::int64_t preemptions() const { return preemptions_; }
  // There is a place, and nobody here waits for it.
  bool wants_more() const { return waiting_.empty() && running_.size() < max_running_; }
  // Reports the failure itself where there is no memory.
  void add(const Turn& turn) noexcept;
  // Sets aside those whose readers are behind, and lets those go on whose readers have caught up. Who is set aside
  // holds neither a place nor blocks; most of what it computed is still in the cache when it comes back.
  void park() noexcept;
  // Starts those that wait, in order, as far as there are blocks.
  void place();
  // Every sequence that answers gets its next token; what is left of the step goes to prompts, in turn. Where blocks
  // run out, the sequence that came last is put back and computed again later; after three times others are.
  const StepPlan& plan();
  // The plan was computed.
  void publish();

  template <class Function>
  void for_each(Function function) {
    for (const auto& s : running_) function(*s);
    for (const auto& s : waiting_) function(*s);
    for (const auto& s : parked_) function(*s);
  }
  // Drops those that are done.
  void sweep();

 private:
  void make_room();
  void preempt_one();
  void wait_again(std::unique_ptr<Sequence>& sequence);

  const Model& model_;
  KvPool& pool_;
  std::size_t max_running_;
  PrefillRows prefill_;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::deque<std::unique_ptr<Sequence>> waiting_;  // by arrival
  std::vector<std::unique_ptr<Sequence>> parked_;
  StepPlan plan_;
  std::size_t turn_ = 0;  // which of the running computes its prompt first
  std::int64_t arrivals_ = 0;
  std::int64_t preemptions_ = 0;
};

}  // namespace tollgate::local_backend
