#include <algorithm>

#include "pii/pii.h"
#include "pii/token.h"

namespace tollgate::pii {
namespace {

Action action_for(const PolicyOptions& policy, EntityType type) {
  const auto it = policy.types.find(type);
  return it == policy.types.end() ? policy.action : it->second;
}

// Where text of a token's form begins.
std::vector<std::size_t> token_starts(std::string_view text) {
  std::vector<std::size_t> out;
  for (auto at = text.find(kTokenPrefix); at != std::string_view::npos; at = text.find(kTokenPrefix, at)) {
    if (starts_with_token(text.substr(at))) {
      out.push_back(at);
      at += kTokenLength;
    } else {
      ++at;
    }
  }
  return out;
}

bool inside_token(const Finding& finding, const std::vector<std::size_t>& tokens) {
  const auto next = std::upper_bound(tokens.begin(), tokens.end(), finding.start);
  return next != tokens.begin() && *(next - 1) + kTokenLength >= finding.end;
}

Error blocked(EntityType type) {
  return {.kind = ErrorKind::permission_denied,
          .message = "The request contains data of type " + std::string(to_string(type)) +
                     ", which the policy of this key does not let through.",
          .code = "pii_blocked",
          .retryable = false};
}

}  // namespace

Result<std::vector<Replacement>> scrub(std::string_view text, const Scanner& scanner, const PolicyOptions& policy,
                                       const Pseudonymiser& pseudonymiser, RestoreMap& map, Counts& counts) {
  auto findings = scanner.scan(text);
  std::erase_if(findings, [&](const Finding& f) {
    return f.score < policy.threshold || action_for(policy, f.type) == Action::allow;
  });
  std::vector<Replacement> out;
  if (findings.empty()) return out;
  const auto tokens = token_starts(text);
  std::erase_if(findings, [&](const Finding& f) { return inside_token(f, tokens); });
  for (const auto& finding : findings)
    if (action_for(policy, finding.type) == Action::block) return blocked(finding.type);
  out.reserve(findings.size());
  for (const auto& [type, start, end, score] : findings) {
    ++counts.by_type[static_cast<std::size_t>(type)];
    if (action_for(policy, type) == Action::redact) {
      out.push_back({start, end, "[" + std::string(to_string(type)) + "]", type});
      continue;
    }
    const auto value = text.substr(start, end - start);
    std::string token = pseudonymiser.token(type, value);
    if (policy.restore) map.add(token, std::string(value));
    out.push_back({start, end, std::move(token), type});
  }
  return out;
}

}  // namespace tollgate::pii
