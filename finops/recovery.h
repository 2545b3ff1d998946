#pragma once
// What a start does about the processes before it. Private.
#include "finops/ledger.h"
#include "finops/ring_directory.h"
#include "finops/usage_store.h"

namespace tollgate::finops {

// Moves the next published records of `reader` into `group`, at most until it holds `limit`. False: the ring is damaged
// from here on.
bool gather(RingReader& reader, Group& group, std::size_t limit, Log& log);

// Commits every ring in the directory that no living process owns, then estimates the intents without an ending, then
// removes the rings. Repeating it after a crash at any point changes nothing twice.
Status recover(const RingDirectory& directory, UsageStore& store, LedgerStats& stats, Log& log);

}  // namespace tollgate::finops
