#pragma once
// Draft -> Snapshot: names are resolved, endpoints built, rules that span parts checked, unchanged parts shared.
#include <filesystem>
#include <memory>

#include "config/draft.h"

namespace tollgate::config {

// The snapshot is complete only when `session` holds no problem afterwards. `previous` may be null.
std::shared_ptr<const Snapshot> assemble(Draft draft, Session& session, const std::filesystem::path& base,
                                         const std::shared_ptr<const Snapshot>& previous);

// Builds the endpoint of a draft into its options; part of assemble().
void build_endpoint(ProviderDraft& draft, Session& session, Snapshot& out, const Snapshot* previous);

// The analyser of a draft; part of assemble(). REQUIRES: out.pii_detectors is made
Analyser build_analyser(AnalyserDraft& draft, Session& session, Snapshot& out, const Snapshot* previous);

}  // namespace tollgate::config
