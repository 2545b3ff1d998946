#include "local_backend/scheduler.h"

#include <algorithm>

namespace tollgate::local_backend {
namespace {

constexpr int kProtectedAfter = 3;  // preemptions
constexpr const char* kNoMemory = "not enough memory for the request";

}  // namespace

Scheduler::Scheduler(const Model& model, KvPool& pool, std::size_t max_running, PrefillRows prefill)
    : model_(model), pool_(pool), max_running_(max_running), prefill_(prefill) {
  running_.reserve(max_running);
}

void Scheduler::add(const Turn& turn) noexcept {
  try {
    waiting_.push_back(std::make_unique<Sequence>(turn.job, turn.choice, model_, pool_, arrivals_++));
  } catch (const std::bad_alloc&) {
    report_failure(*turn.job, FailureKind::internal, kNoMemory);
  }
}

void Scheduler::place() {
  while (!waiting_.empty() && running_.size() < max_running_) {
    Sequence& next = *waiting_.front();
    // Some blocks stay free for those who run: to start somebody only to put him back would be a waste.
    const int spare = running_.empty() ? 0 : static_cast<int>(running_.size()) + pool_.blocks().total() / 100;
    try {
      if (!next.place(spare)) return;
    } catch (const std::bad_alloc&) {
      next.fail(FailureKind::internal, kNoMemory);
      waiting_.pop_front();
      continue;
    }
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

const StepPlan& Scheduler::plan() {
  make_room();
  plan_.rows.clear();
  plan_.owners.clear();
  for (const auto& sequence : running_) {
    if (!sequence->done() && sequence->pending() == 1) sequence->add_rows(plan_.rows, 1);
    plan_.owners.resize(plan_.rows.size(), sequence.get());
  }
  int budget = plan_.rows.empty() ? prefill_.alone : prefill_.shared;
  ++turn_;
  for (std::size_t i = 0; i < running_.size() && budget > 0; ++i) {
    Sequence& sequence = *running_[(turn_ + i) % running_.size()];
    if (sequence.done() || sequence.pending() == 0) continue;
    budget -= sequence.add_rows(plan_.rows, budget);
    plan_.owners.resize(plan_.rows.size(), &sequence);
  }
  return plan_;
}

void Scheduler::make_room() {
  for (std::size_t i = 0; i < running_.size();) {
    Sequence& sequence = *running_[i];
    try {
      if (sequence.done() || sequence.extend()) {
        ++i;
        continue;
      }
      preempt_one();
      i = 0;
    } catch (const std::bad_alloc&) {
      sequence.fail(FailureKind::internal, kNoMemory);
    }
  }
}

void Scheduler::preempt_one() {
  const auto rank = [](const auto& s) { return std::pair(s->preemptions() < kProtectedAfter, s->arrival()); };
  const auto victim = std::ranges::max_element(running_, {}, rank);
  (*victim)->preempt();
  wait_again(*victim);
  running_.erase(victim);
  ++preemptions_;
}

// The place is made before the sequence is moved: memory that runs out leaves it where it is.
void Scheduler::wait_again(std::unique_ptr<Sequence>& sequence) {
  const auto later = [&sequence](const auto& s) { return s->arrival() > sequence->arrival(); };
  const auto place = std::ranges::find_if(waiting_, later);
  *waiting_.insert(place, nullptr) = std::move(sequence);
}

void Scheduler::park() noexcept {
  try {
    for (auto& sequence : parked_)
      if (!sequence->paused()) wait_again(sequence);
    parked_.reserve(parked_.size() + running_.size());
    for (auto& sequence : running_) {
      if (!sequence->paused()) continue;
      sequence->rest();
      parked_.push_back(std::move(sequence));
    }
  } catch (const std::bad_alloc&) {  // who could not change places does so in a later turn
  }
  std::erase(parked_, nullptr);
  std::erase(running_, nullptr);
}

void Scheduler::publish() {
  for (const auto& sequence : running_) sequence->publish();
}

void Scheduler::sweep() {
  std::erase_if(running_, [](const auto& s) { return s->done(); });
  std::erase_if(waiting_, [](const auto& s) { return s->done(); });
  std::erase_if(parked_, [](const auto& s) { return s->done(); });
}

}  // namespace tollgate::local_backend
