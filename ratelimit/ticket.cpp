#include "ratelimit/limiter.h"

namespace tollgate::ratelimit {

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  settle(settlement_.reserved_tokens);
  limiter_ = std::exchange(other.limiter_, nullptr);
  settlement_ = std::move(other.settlement_);
  return *this;
}

void Ticket::settle(std::int64_t actual_tokens) {
  Limiter* const limiter = std::exchange(limiter_, nullptr);
  if (limiter == nullptr) return;
  settlement_.actual_tokens = actual_tokens;
  limiter->settle(std::move(settlement_));
}

}  // namespace tollgate::ratelimit
