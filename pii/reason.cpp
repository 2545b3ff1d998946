#include "pii/reason.h"

#include <algorithm>
#include <array>
#include <utility>

#include "pii/identifier.h"
#include "pii/pii.h"
#include "pii/secrets.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr auto kTerms = std::to_array<std::pair<Term, std::string_view>>({
    {Term::check, "check"},
    {Term::named, "named"},
    {Term::country, "country"},
    {Term::separators, "separators"},
    {Term::entropy, "entropy"},
    {Term::other_name, "-other_name"},
    {Term::competing, "-competing"},
    {Term::part_of_row, "-part_of_row"},
    {Term::glued, "-glued"},
    {Term::odd_grouping, "-odd_grouping"},
    {Term::encoded, "encoded"},
    {Term::analyser, "analyser"},
});

// Rules are numbered from 1: the national identifiers, then the forms of secrets.
std::string_view variant(std::size_t rule) {
  const auto rows = identifiers();
  if (rule == 0 || rule > rows.size() + secret_format_count()) return {};
  return rule <= rows.size() ? rows[rule - 1].shape : secret_format(rule - 1 - rows.size()).literal;
}

}  // namespace

std::uint16_t rule_of_secret(std::size_t format) {
  return static_cast<std::uint16_t>(identifiers().size() + format + 1);
}

std::string rule_of(const Finding& finding, std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), to_lower);
  if (const auto which = variant(finding.why.rule); !which.empty()) out.append(":").append(which);
  return out;
}

std::string terms_of(const Finding& finding) {
  std::string out;
  for (const auto& [term, name] : kTerms)
    if ((finding.why.terms & static_cast<unsigned>(term)) != 0) out.append(out.empty() ? "" : " ").append(name);
  return out.empty() ? "form" : out;
}

}  // namespace tollgate::pii
