#include "routing/routing.h"

#include <algorithm>

namespace tollgate::routing {

bool Health::cooling(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  return it != entries_.end() && clock_.steady_now() < it->second.cool_until;
}

void Health::failed(const std::string& key, std::chrono::milliseconds cool_down) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  ++entry.failures;
  entry.cool_until = std::max(entry.cool_until, clock_.steady_now() + cool_down);
}

void Health::succeeded(const std::string& key) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  ++entry.successes;
  entry.cool_until = {};
}

std::vector<Health::State> Health::states() const {
  std::vector<State> out;
  {
    const std::lock_guard lock(mutex_);
    out.reserve(entries_.size());
    const auto now = clock_.steady_now();
    for (const auto& [key, entry] : entries_)
      out.push_back({key, now < entry.cool_until, entry.failures, entry.successes});
  }
  std::sort(out.begin(), out.end(), [](const State& a, const State& b) { return a.key < b.key; });
  return out;
}

namespace {

// Draws one index with probability proportional to its weight. REQUIRES: positive weights, at least one target.
std::size_t draw(const std::vector<const Target*>& targets, std::uint64_t random) {
  std::uint64_t total = 0;
  for (const auto* t : targets) total += static_cast<std::uint64_t>(t->weight);
  std::uint64_t point = random % total;
  std::size_t i = 0;
  while (point >= static_cast<std::uint64_t>(targets[i]->weight)) {
    point -= static_cast<std::uint64_t>(targets[i]->weight);
    ++i;
  }
  return i;
}

// The next value of the SplitMix64 generator: a second draw with the same number would follow from the first.
std::uint64_t next_random(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

bool allowed(const Fallback& fallback, const std::string& criticality) {
  return fallback.only_criticality.empty() || fallback.only_criticality == criticality;
}

}  // namespace

std::vector<Candidate> plan(const Route& route, const std::string& criticality, const Health& health,
                            std::uint64_t random) {
  std::vector<Candidate> out;
  std::vector<Candidate> cooling;
  std::vector<const Target*> healthy;
  for (const auto& target : route.targets) {
    if (target.weight <= 0) continue;
    if (health.cooling(target.key()))
      cooling.push_back({target, false, {}});
    else
      healthy.push_back(&target);
  }
  while (!healthy.empty()) {
    const std::size_t chosen = draw(healthy, random);
    out.push_back({*healthy[chosen], false, {}});
    healthy.erase(healthy.begin() + static_cast<std::ptrdiff_t>(chosen));
    random = next_random(random);
  }
  for (const auto& fallback : route.fallbacks) {
    if (!allowed(fallback, criticality)) continue;
    Candidate candidate{fallback.target, true, fallback.when};
    (health.cooling(fallback.target.key()) ? cooling : out).push_back(std::move(candidate));
  }
  std::move(cooling.begin(), cooling.end(), std::back_inserter(out));
  return out;
}

Outcome classify(const Error& error) {
  switch (error.kind) {
    case ErrorKind::cancelled:
      return Outcome::cancelled;
    case ErrorKind::rate_limited:
      return Outcome::throttled;
    case ErrorKind::upstream_timeout:
      return Outcome::timeout;
    case ErrorKind::upstream_error:
    case ErrorKind::overloaded:
    case ErrorKind::internal:
      return Outcome::error;
    case ErrorKind::not_found:  // the provider's word about the model or deployment
      return Outcome::unserved;
    case ErrorKind::invalid_request:  // no provider has seen it: its dialect has no form for it
      return error.upstream_status == 0 ? Outcome::unserved : Outcome::caller_fault;
    default:
      return Outcome::caller_fault;
  }
}

bool another_may_serve(Outcome outcome) { return outcome == Outcome::unserved || speaks_against_target(outcome); }

bool speaks_against_target(Outcome outcome) {
  return outcome == Outcome::throttled || outcome == Outcome::timeout || outcome == Outcome::error;
}

AttemptPolicy::AttemptPolicy(std::vector<Candidate> candidates, std::size_t max_attempts)
    : candidates_(std::move(candidates)), attempts_(candidates_.empty() ? 0 : 1), max_attempts_(max_attempts) {}

const Candidate* AttemptPolicy::current() const { return at_ < candidates_.size() ? &candidates_[at_] : nullptr; }

namespace {

FallbackCause cause_of(Outcome outcome) {
  if (outcome == Outcome::throttled) return FallbackCause::throttled;
  return outcome == Outcome::timeout ? FallbackCause::timeout : FallbackCause::error;
}

// A fallback may be reserved for some causes; a primary target serves after any.
bool serves_after(const Candidate& candidate, Outcome outcome) {
  return candidate.when.empty() ||
         std::find(candidate.when.begin(), candidate.when.end(), cause_of(outcome)) != candidate.when.end();
}

}  // namespace

bool AttemptPolicy::next_after(Outcome outcome) {
  if (!another_may_serve(outcome) || attempts_ >= max_attempts_) {
    at_ = candidates_.size();
    return false;
  }
  do {
    ++at_;
  } while (at_ < candidates_.size() && !serves_after(candidates_[at_], outcome));
  if (at_ >= candidates_.size()) return false;
  ++attempts_;
  return true;
}

}  // namespace tollgate::routing
