// The work is linear in the text, whatever the text: ten times as much of it costs about ten times as much. Processor
// time is measured, which does not grow because others are busy.
#include <gtest/gtest.h>
#include <time.h>

#include <string>

#include "pii/pii.h"
#include "tests/unit/pii/adversarial_texts.h"

namespace tollgate::pii {
namespace {

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double cost(const Scanner& scanner, std::string_view text) {
  const double start = seconds();
  (void)scanner.scan(text);
  return seconds() - start;
}

class Work : public testing::TestWithParam<std::string_view> {};

TEST_P(Work, IsLinear) {
  constexpr std::size_t kSmall = 60'000;
  constexpr std::size_t kLarge = 10 * kSmall;
  static const Scanner scanner;
  const std::string text = repeated(GetParam(), kLarge);
  (void)scanner.scan(std::string_view(text).substr(0, kSmall));  // RE2 builds its automata
  const double small = cost(scanner, std::string_view(text).substr(0, kSmall));
  const double large = cost(scanner, text);
  EXPECT_LT(large, 30 * small + 0.01) << small << " s, then " << large << " s";
  EXPECT_LT(large / kLarge, 2e-5) << "seconds a byte";  // ten times what a sanitized program takes
}

INSTANTIATE_TEST_SUITE_P(All, Work, testing::ValuesIn(kRepeated));

}  // namespace
}  // namespace tollgate::pii
