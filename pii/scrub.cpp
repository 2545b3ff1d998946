#include <algorithm>

#include "pii/detect.h"
#include "pii/pii.h"
#include "pii/token.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

// Where text of a token's form begins. Looked for by the end of the prefix, an "x", which text has least often.
std::vector<std::size_t> token_starts(std::string_view text) {
  constexpr std::size_t kRare = kTokenPrefix.size() - 1;
  std::vector<std::size_t> out;
  std::size_t behind = 0;  // the last one
  for (auto at = text.find(kTokenPrefix[kRare]); at != std::string_view::npos;
       at = text.find(kTokenPrefix[kRare], at + 1)) {
    if (at < behind + kRare || !starts_with_token(text.substr(at - kRare))) continue;
    out.push_back(at - kRare);
    behind = at - kRare + kTokenLength;
  }
  return out;
}

bool inside_token(const Finding& finding, const std::vector<std::size_t>& tokens) {
  const auto next = std::upper_bound(tokens.begin(), tokens.end(), finding.start);
  return next != tokens.begin() && *(next - 1) + kTokenLength >= finding.end;
}

// What of a finding lies between quotes and backslashes, where there is a letter or digit in it.
void add_pieces(std::string_view text, const Finding& whole, std::vector<Finding>& out) {
  for (std::size_t at = whole.start; at < whole.end;) {
    const std::size_t border = std::min(text.find_first_of("\"\\", at), whole.end);
    const auto piece = text.substr(at, border - at);
    if (std::any_of(piece.begin(), piece.end(), in_word)) {
      Finding part = whole;
      part.start = at;
      part.end = border;
      out.push_back(part);
    }
    at = border + 1;
  }
}

Error blocked(const std::string& type) {
  return {
      .kind = ErrorKind::permission_denied,
      .message = "The request contains data of type " + type + ", which the policy of this key does not let through.",
      .code = "pii_blocked",
      .retryable = false};
}

constexpr std::size_t kLongestMask = 64;  // stars beyond say nothing

// Separators show the form of a value; all of these are themselves inside JSON, however deep.
bool is_separator(char c) { return std::string_view(" -./:@+()_,").find(c) != std::string_view::npos; }

std::string masked(std::string_view value, std::size_t keep_last) {
  std::string units;
  for (std::size_t pos = 0; pos < value.size();) {
    const Unit unit = unit_at(value, pos);
    if (unit.c != kInvisible) units.push_back(unit.c);
    pos += unit.length;
  }
  const auto letters = static_cast<std::size_t>(std::count_if(units.begin(), units.end(), is_alnum));
  const std::size_t hidden = letters - std::min(keep_last, letters / 2);
  std::size_t seen = 0;
  for (char& c : units) {
    const bool kept = is_alnum(c) ? ++seen > hidden : is_separator(c);
    if (!kept) c = '*';
  }
  if (units.size() > kLongestMask) units.erase(0, units.size() - kLongestMask);
  return units;
}

std::string pseudonym(const Finding& finding, std::string_view value, bool restore, const Pseudonymiser& names,
                      RestoreMap& map) {
  std::string token = names.token(finding.type, value);
  if (!restore) return token;
  map.add(token, std::string(value));
  if (auto previous = names.previous_token(finding.type, value)) map.add(*std::move(previous), std::string(value));
  return token;
}

}  // namespace

std::vector<Finding> find(std::string_view text, const Scanner& scanner, const Policies& policies) {
  auto findings = scanner.scan(text, policies.types());
  if (policies.detect_custom(text, findings)) resolve_overlaps(findings);
  if (findings.empty()) return findings;
  const auto tokens = token_starts(text);
  std::erase_if(findings, [&](const Finding& f) { return inside_token(f, tokens); });
  return findings;
}

std::vector<Finding> merge(std::string_view text, const std::vector<Finding>& found, const std::vector<Finding>& others,
                           bool quoted) {
  std::vector<Finding> out = found;
  const auto tokens = token_starts(text);
  for (const Finding& other : others) {
    const std::size_t first = out.size();
    if (quoted)
      add_pieces(text, other, out);
    else
      out.push_back(other);
    out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                             [&](const Finding& f) { return inside_token(f, tokens); }),
              out.end());
  }
  resolve_overlaps(out);
  return out;
}

Result<std::optional<std::string>> replacement(const Finding& finding, std::string_view value, const Policies& policies,
                                               const Pseudonymiser& pseudonymiser, Scrubbed& out) {
  using Text = std::optional<std::string>;
  const TypeRule rule = policies.decide(finding, value);
  if (rule.action == Action::allow) return Text();
  const std::string name(policies.name_of(finding));
  out.counts.add(name, rule.action);
  if (out.audit.size() < kMostAudited)
    out.audit.push_back({name, rule.action, finding.score, rule_of(finding, name), terms_of(finding), out.position,
                         value.size(), pseudonymiser.audit_digest(finding.type, value, out.audit_period)});
  switch (rule.action) {
    case Action::block:
      return blocked(name);
    case Action::route_local_only:
      if (!out.local_only) out.local_only = name;
      return Text();
    case Action::redact:
      return Text("[" + name + "]");
    case Action::hash:
      return Text("[" + name + ":" + pseudonymiser.digest(finding.type, value) + "]");
    case Action::mask:
      return Text(masked(value, rule.keep_last));
    case Action::pseudonymise:
      return Text(pseudonym(finding, value, policies.restore(), pseudonymiser, out.restore));
    default:
      return Text();  // log_only
  }
}

Result<std::vector<Replacement>> scrub(std::string_view text, const std::vector<Finding>& findings,
                                       const Policies& policies, const Pseudonymiser& pseudonymiser, Scrubbed& out) {
  std::vector<Replacement> replacements;
  for (const auto& finding : findings) {
    const auto value = text.substr(finding.start, finding.end - finding.start);
    TG_TRY(auto with, replacement(finding, value, policies, pseudonymiser, out));
    if (with) replacements.push_back({finding.start, finding.end, *std::move(with), finding.type});
  }
  return replacements;
}

}  // namespace tollgate::pii
