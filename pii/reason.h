#pragma once
// Why something is a finding: the rule that found it and the circumstances that its score counts. Nothing of the value.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tollgate::pii {

struct Finding;

enum class Term : std::uint16_t {
  check = 1U << 0U,         // a check digit, an allocated range, an issuer's table holds
  named = 1U << 1U,         // its name stands by
  country = 1U << 2U,       // of a country that the department names
  separators = 1U << 3U,    // they stand where this kind has them
  entropy = 1U << 4U,       // random enough for a secret
  other_name = 1U << 5U,    // against it: the name of something else stands by
  competing = 1U << 6U,     // against it: it also reads as something else, such as an amount
  part_of_row = 1U << 7U,   // against it: picked out of a longer row
  glued = 1U << 8U,         // against it: letters or signs touch it
  odd_grouping = 1U << 9U,  // against it: separators where this kind has none
  encoded = 1U << 10U,      // found inside base64 or hex
  analyser = 1U << 11U,     // an analyser's own score
};

struct Reason {
  std::uint16_t rule = 0;   // 0: the type has one rule; see rule_of()
  std::uint16_t terms = 0;  // of Term

  constexpr Reason() = default;
  constexpr Reason(std::initializer_list<Term> all) {
    for (const Term term : all) add(term);
  }
  constexpr void add(Term term, bool holds = true) {
    if (holds) terms = static_cast<std::uint16_t>(terms | static_cast<unsigned>(term));
  }
};

// The rule's id: the type, small, and where it has several rules which of them, such as "us_npi:dddd-ddd-ddd" or
// "api_key:AKIA". `name`: of the finding's type.
std::string rule_of(const Finding& finding, std::string_view name);

// "check named -competing": what its score counts, a minus before what speaks against it; "form" where nothing does.
std::string terms_of(const Finding& finding);

}  // namespace tollgate::pii
