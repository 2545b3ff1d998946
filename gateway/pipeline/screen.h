#pragma once
// From a call to a screened call: what personal data was found, how the body changes, how answers are put right again.
#include <memory>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/pipeline/services.h"
#include "providers/call.h"

namespace tollgate::pipeline {

// Holds PII (in `restore`): dies with the call, is never logged.
struct Screened {
  std::vector<providers::Edit> edits;  // of the call's body
  pii::RestoreMap restore;             // empty: answers pass untouched
  pii::Counts counts;
  std::string rule_pack;
};

// Error: permission_denied where the policy blocks, or lets nothing pass that no scanner reads; internal where scanning
// failed and the policy says block.
Result<Screened> screen(const Services& services, const View& view, const auth::Principal& who,
                        const providers::Call& call);

// For texts that come one by one: scrubs one, and adds to `out` what was found.
Result<std::string> screen_text(const Services& services, const View& view, const auth::Principal& who,
                                std::string text, Screened& out);
// Error: the department's policy lets nothing pass that no scanner reads.
Status allow_opaque(const auth::Principal& who);

}  // namespace tollgate::pipeline
