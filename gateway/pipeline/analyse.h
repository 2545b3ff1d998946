#pragma once
// What other people's detectors find in the texts of a call. Asked over HTTP before the scrub: the only part of it that
// waits, and it waits for no longer than each analyser's `timeout`.
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/task.h"
#include "gateway/pipeline/services.h"
#include "providers/call.h"

namespace tollgate::pipeline {

// Parallel to the texts of the call's index; empty where nobody was asked. Offsets are in the decoded text.
using Analysed = std::vector<std::vector<pii::Finding>>;

// Error overloaded with code "pii_scan_failed": an analyser did not answer in time, or not properly, and the policies
// block then. Where they let pass, it is counted and logged, and the rest goes on.
net::Task<Result<Analysed>> analyse(const Services& services, const View& view, const pii::Policies& policies,
                                    const providers::Call& call);

// For texts that come one by one, which no analyser gets to see. Error as above.
Status allow_unanalysed(const Services& services, const View& view, const pii::Policies& policies);

}  // namespace tollgate::pipeline
