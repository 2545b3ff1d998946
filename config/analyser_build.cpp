// Analyser drafts -> analysers: their types by our names and numbers, their endpoints.
#include "config/assemble.h"
#include "config/facts.h"

namespace tollgate::config {
namespace {

// All but the text that findings depend on.
std::string scope_of(const Analyser& analyser, const Snapshot& out) {
  std::string scope = analyser.name;
  for (const std::string& part :
       {std::to_string(static_cast<int>(analyser.kind)), analyser.url, analyser.language, analyser.api_version,
        std::string(analyser.health ? "health" : ""), std::to_string(analyser.min_score),
        std::to_string(out.pii_detectors ? out.pii_detectors->serial() : 0)})
    scope += '\n' + part;
  for (const Analyser::Entity& entity : analyser.entities) scope += '\n' + entity.name + ' ' + entity.as;
  return scope;
}

void share_endpoint(Analyser& made, const Snapshot* previous) {
  if (previous == nullptr || !made.endpoint) return;
  const auto old = previous->pii_analysers.find(made.name);
  if (old == previous->pii_analysers.end() || !old->second->endpoint) return;
  if (same_endpoint(*old->second->endpoint, *made.endpoint)) made.endpoint = old->second->endpoint;
}

}  // namespace

Analyser build_analyser(AnalyserDraft& draft, Session& session, Snapshot& out, const Snapshot* previous) {
  build_endpoint(draft.way, session, out, previous);
  Analyser made = std::move(draft.analyser);
  made.endpoint = draft.way.options.endpoint;
  made.identity = draft.way.options.identity;
  made.use_curl = draft.way.options.use_curl;
  made.url = draft.way.url;
  share_endpoint(made, previous);
  for (const auto& [theirs, ours] : draft.entities) {
    Analyser::Entity entity{.name = theirs, .as = ours};
    if (!pii::parse_entity_type(ours, entity.type) && out.pii_detectors)
      entity.custom = out.pii_detectors->number_of(ours);
    made.entities.push_back(std::move(entity));
  }
  made.scope = scope_of(made, out);
  return made;
}

}  // namespace tollgate::config
