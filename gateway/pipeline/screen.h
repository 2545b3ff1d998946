#pragma once
// From a call to a screened call: what personal data was found, how the body changes, how answers are put right again.
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/pipeline/analyse.h"
#include "providers/call.h"

namespace tollgate::pipeline {

// Holds PII (in `pii.restore`): dies with the call, is never logged.
struct Screened {
  std::vector<providers::Edit> edits;  // of the call's body
  pii::Scrubbed pii;                   // an empty restore map: answers pass untouched
  std::string rule_pack;
  bool opaque_local_only = false;           // something no scanner reads, which only models inside the house may see
  std::optional<pii::OnOpaque> on_unknown;  // in an answer; nullopt: no policy
  std::optional<Error> refusal;             // the policies do not let the call through; what was found is still told
};

// Of the organisation and of who calls; the model's joins them once it is known. Error permission_denied with code
// "pii_policy_missing": the key has a policy that the configuration has no more, and without it nothing may pass. None
// for a replica's call, which comes scrubbed.
Result<pii::Policies> policies_of(const Services& services, const View& view, const auth::Principal& who);

Screened screen(const Services& services, const View& view, const auth::Principal& who, const pii::Policies& policies,
                const providers::Call& call, const Analysed& analysed);

// For texts that come one by one: scrubs one, and adds to `out` what was found. Where a call goes is decided before its
// last text is seen, so what only models inside the house may see is refused here, unless all goes there anyway.
Result<std::string> screen_text(const Services& services, const View& view, const auth::Principal& who,
                                const pii::Policies& policies, std::string text, Screened& out);

// Counts a call with something that no scanner reads, by what the policies do: nothing passes unseen.
void note_opaque(const Services& services, const auth::Principal& who, const pii::Policies& policies);

// For a call with something that no scanner reads. Error: the policies do not let it pass.
Status allow_opaque(const pii::Policies& policies, Screened& out);

// Kind `local` or `tollgate_pool`, or processing region "local".
bool inside_the_house(const View& view, const routing::Candidate& candidate);

// Leaves the candidates that may see the screened call: all of them, or those inside the house. Error
// permission_denied where none is left.
Status keep_permitted(const View& view, const Screened& screened, const std::string& model,
                      std::vector<routing::Candidate>& candidates);

}  // namespace tollgate::pipeline
