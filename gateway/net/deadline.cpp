#include "gateway/net/deadline.h"

#include <algorithm>
#include <utility>

namespace tollgate::net {

using std::chrono::steady_clock;

Sweep::Sweep(asio::io_context& io, std::chrono::milliseconds period)
    : timer_(io.get_executor()), period_(period), now_(steady_clock::now()), alive_(std::make_shared<char>()) {
  arm();
}

Sweep::~Sweep() { stop(); }

void Sweep::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Sweep::arm() {
  if (stopped_) return;
  due_ = steady_clock::now() + period_;
  timer_.expires_at(due_);
  // A handler that is already queued outlives the timer: it asks whether the Sweep does too.
  timer_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired()) return;
    sweep();
  });
}

void Sweep::sweep() {
  const std::weak_ptr<char> alive = alive_;
  now_ = steady_clock::now();
  worst_lag_ = std::max(worst_lag_, std::chrono::duration_cast<std::chrono::microseconds>(now_ - due_));
  next_in_sweep_ = head_;
  while (next_in_sweep_ != nullptr) {
    Deadline& deadline = *next_in_sweep_;
    next_in_sweep_ = deadline.next_;
    if (deadline.at_ > now_) continue;
    fire(deadline);
    if (alive.expired()) return;
  }
  arm();
}

// The callback is called from here and not from its own Deadline, because it may destroy that Deadline.
void Sweep::fire(Deadline& deadline) {
  deadline.clear();
  deadline.expired_ = true;
  const std::weak_ptr<char> alive = alive_;
  firing_ = &deadline;
  auto callback = std::move(deadline.on_expiry_);
  callback();
  if (alive.expired()) return;
  if (firing_ == &deadline) deadline.on_expiry_ = std::move(callback);
  firing_ = nullptr;
}

std::chrono::microseconds Sweep::take_worst_lag() { return std::exchange(worst_lag_, std::chrono::microseconds(0)); }

Deadline::Deadline(Sweep& sweep, std::function<void()> on_expiry) : sweep_(sweep), on_expiry_(std::move(on_expiry)) {}

Deadline::~Deadline() {
  clear();
  if (sweep_.firing_ == this) sweep_.firing_ = nullptr;
}

void Deadline::set(std::chrono::milliseconds from_now) {
  expired_ = false;
  if (from_now.count() <= 0) {
    clear();
    return;
  }
  const bool linked = at_ != SteadyTime::max();
  // The true time, not that of the last sweep: a loop that lagged must not make new deadlines fire early.
  at_ = steady_clock::now() + from_now;
  if (linked) return;
  prev_ = nullptr;
  next_ = sweep_.head_;  // in front: a sweep that is under way does not see it
  if (next_ != nullptr) next_->prev_ = this;
  sweep_.head_ = this;
}

void Deadline::clear() {
  if (at_ == SteadyTime::max()) return;
  at_ = SteadyTime::max();
  if (sweep_.next_in_sweep_ == this) sweep_.next_in_sweep_ = next_;
  (prev_ != nullptr ? prev_->next_ : sweep_.head_) = next_;
  if (next_ != nullptr) next_->prev_ = prev_;
}

}  // namespace tollgate::net
