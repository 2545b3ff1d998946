// The work is linear in the text, whatever the text: ten times as much of it costs about ten times as much. Processor
// time is measured, which does not grow because others are busy.
#include <gtest/gtest.h>
#include <time.h>

#include <string>

#include "pii/pii.h"

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

// What makes detectors look far, again and again.
class Work : public testing::TestWithParam<const char*> {};

TEST_P(Work, IsLinear) {
  constexpr std::size_t kSmall = 60'000;
  constexpr std::size_t kLarge = 10 * kSmall;
  static const Scanner scanner;
  std::string text;
  while (text.size() < kLarge) text += GetParam();
  (void)scanner.scan(std::string_view(text).substr(0, kSmall));  // RE2 builds its automata
  const double small = cost(scanner, std::string_view(text).substr(0, kSmall));
  const double large = cost(scanner, text);
  EXPECT_LT(large, 30 * small + 0.01) << small << " s, then " << large << " s";
  EXPECT_LT(large / kLarge, 2e-5) << "seconds a byte";  // ten times what a sanitized program takes
}

INSTANTIATE_TEST_SUITE_P(All, Work,
                         testing::Values("-----BEGIN PRIVATE KEY-----\n", "-----BEGIN ", "-----END ", "eyJ",
                                         "eyJaaaaaaaa.", "sk-", "sk-a1-", "-sk-", "://", "a://b:c@",
                                         "a://a:", "password=", "password", "password=\"", "token: '", "api_key is ",
                                         "Authorization: Basic ", "sig=", "AKIA", "sig=abcdefghijklmnop1234&",
                                         "ab:", "00:1A:", "00-1A-", "1 ", "1.", "1:", "12.03.1985 ", "born 12.03.1985 ",
                                         "@", "a@", "a.b@c.d", "%41", "\\u0041", "&#65;", "<b>", "**", "*", "</b", "\\",
                                         "abcdefghijklmnopqrst", "QUJDREVGR0hJSktMTU5P+", "34313131313131313131 ", "٤",
                                         "\u200B", "+1 ", "0x", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN ",
                                         "hooks.slack.com/services/", ":AA1", ".atlasv1.", "8Q~aaaaaaaa",
                                         "AccountKey=a"));

}  // namespace
}  // namespace tollgate::pii
