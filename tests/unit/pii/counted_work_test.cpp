// The same promise as work_test.cpp's, counted and not timed: this program's scanner is compiled so that every block of
// its code counts a step (clang's -fsanitize-coverage). What RE2 and the C library do is timed there.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "pii/pii.h"
#include "tests/unit/pii/adversarial_texts.h"

namespace {
std::uint64_t steps = 0;
}

extern "C" void __sanitizer_cov_trace_pc() { ++steps; }

namespace tollgate::pii {
namespace {

constexpr double kMostPerByte = 500;        // "password=" again and again, each time with a value to judge, takes 410
constexpr double kMostPerRandomByte = 100;  // hex digits and colons take 40

double steps_of(std::string_view text) {
  static const Scanner scanner;
  const std::uint64_t before = steps;
  (void)scanner.scan(text);
  return static_cast<double>(steps - before);
}

class CountedWork : public testing::TestWithParam<std::string_view> {};

TEST_P(CountedWork, IsLinear) {
  constexpr std::size_t kSmall = 32'000;
  const std::string text = repeated(GetParam(), 10 * kSmall);
  const double small = steps_of(std::string_view(text).substr(0, kSmall));
  const double large = steps_of(text);
  RecordProperty("steps_a_byte", std::to_string(large / static_cast<double>(text.size())));
  EXPECT_GT(small, 0) << "nothing is counted";
  EXPECT_LT(large, 11 * small + 10'000);
  EXPECT_LT(large, kMostPerByte * static_cast<double>(text.size()));
}
INSTANTIATE_TEST_SUITE_P(All, CountedWork, testing::ValuesIn(kRepeated));

class CountedRandomWork : public testing::TestWithParam<Alphabet> {};

TEST_P(CountedRandomWork, IsLinearUpToTenMegabytes) {
  constexpr std::size_t kLarge = 10'000'000;
  const std::string text = random_of(GetParam(), kLarge);
  const double small = steps_of(std::string_view(text).substr(0, kLarge / 100));
  const double large = steps_of(text);
  RecordProperty("steps_a_byte", std::to_string(large / kLarge));
  EXPECT_LT(large, 110 * small);
  EXPECT_LT(large, kMostPerRandomByte * kLarge);
}
INSTANTIATE_TEST_SUITE_P(All, CountedRandomWork, testing::ValuesIn(kRandom),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace tollgate::pii
