#pragma once
// What a call does while the ledger has no room for its intent.
#include <chrono>

#include "finops/ledger.h"
#include "gateway/base/clock.h"
#include "gateway/base/error.h"
#include "gateway/net/task.h"

namespace tollgate::pipeline {

// A disk that stands still for a moment fills the rings of a busy gateway: whoever comes then waits and is not refused.
// Shared disks pause for seconds, and a caller of a model expects to wait for as long. A ledger that has taken nothing
// for so long is in trouble, and calls are refused at once.
inline constexpr std::chrono::milliseconds kLedgerPatience{5'000};

// For a call whose intent was refused: true after a short rest, when it is to try again; false once the ring has been
// full, or the call has been waiting, for kLedgerPatience. The ring outlives the task,
// which runs on the loop that pushes.
net::Task<bool> rest_while_full(const finops::RingProducer& ring, SteadyTime waiting_since);
// What a call is told that was not let in.
Error ledger_unavailable();

}  // namespace tollgate::pipeline
