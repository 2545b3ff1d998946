// Every finding says which rule found it and what its score counts.
#include "pii/reason.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "pii/pii.h"

namespace tollgate::pii {
namespace {

// "rule (terms)" of the surest finding.
std::string why(std::string_view text) {
  static const Scanner scanner;
  const auto all = scanner.scan(text);
  const auto best = std::ranges::max_element(all, {}, &Finding::score);
  return best == all.end() ? "" : rule_of(*best, to_string(best->type)) + " (" + terms_of(*best) + ")";
}

struct Case {
  const char* text;
  const char* why;
};

class Why : public testing::TestWithParam<Case> {};

TEST_P(Why, NamesTheRuleAndWhatItsScoreCounts) { EXPECT_EQ(why(GetParam().text), GetParam().why); }

INSTANTIATE_TEST_SUITE_P(
    All, Why,
    testing::Values(Case{"write to jane@example.com", "email_address (form)"},
                    Case{"card 4242 4242 4242 4242", "credit_card (check named)"},
                    Case{"order 4242424242424242", "credit_card (check -other_name)"},
                    Case{"GB82 WEST 1234 5698 7654 32", "iban_code (check)"},
                    Case{"ssn 536-22-8145", "us_ssn (check named separators)"},
                    Case{"server 203.0.113.45", "ip_address (named)"}, Case{"born 12.03.1985", "date_of_birth (named)"},
                    Case{"NHS no. 943 476 5919", "uk_nhs:ddd ddd dddd (check named separators -competing)"},
                    Case{"password = tr0ub4dor&Zebra", "api_key (named entropy)"},
                    Case{"amFuZS5kb2VAZXhhbXBsZS5jb20K", "email_address (encoded)"}));

}  // namespace
}  // namespace tollgate::pii
