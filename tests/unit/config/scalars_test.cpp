#include "config/scalars.h"

#include <gtest/gtest.h>

#include <array>

namespace tollgate::config {
namespace {

using std::chrono::milliseconds;

TEST(Scalars, DurationsNeedAUnit) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("30s"), milliseconds(30'000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(7LL * 86'400'000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
  for (const char* bad : {"", "30", "s", "1.5s", "-1s", "30 s", "30S", "030s", "30sec", "99999999999999d"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(Scalars, SizesNeedABinaryUnit) {
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("4MiB"), 4U << 20);
  for (const char* bad : {"", "4", "4M", "4MB", "4mib", "-4MiB", "04MiB", "99999999999GiB"}) {
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
  }
}

TEST(Scalars, FormattingReadsBackAsTheSame) {
  for (const std::int64_t ms : {0LL, 1LL, 999LL, 1'000LL, 90'000LL, 3'600'000LL, 86'400'000LL, 86'400'001LL}) {
    EXPECT_EQ(parse_duration(format_duration(milliseconds(ms))), milliseconds(ms));
  }
  for (const std::uint64_t bytes : {0ULL, 1ULL, 1023ULL, 1024ULL, 1ULL << 20, (1ULL << 30) + 1}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes);
  }
}

TEST(Scalars, NumbersHaveNoLeadingZeroAndNoDecoration) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-5"), -5);
  for (const char* bad : {"", "007", "0o7", "+1", "1_000", "1e3", "0x10", " 1", "9223372036854775808"}) {
    EXPECT_EQ(parse_integer(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_decimal("0.5"), 0.5);
  for (const char* bad : {"", ".5", "5.", "1.2.3", "1e3", "nan", "-1"})
    EXPECT_EQ(parse_decimal(bad), std::nullopt) << bad;
}

TEST(Scalars, DatesAreRealDays) {
  EXPECT_EQ(parse_date("1970-01-01"), 0);
  EXPECT_EQ(parse_date("2026-01-01"), 1'767'225'600);
  EXPECT_EQ(parse_date("2024-02-29"), 1'709'164'800);
  for (const char* bad :
       {"2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "2026/01/01", "1969-12-31", "2026-01-01T00"}) {
    EXPECT_EQ(parse_date(bad), std::nullopt) << bad;
  }
}

TEST(Scalars, WordsThatOtherParsersReadDifferentlyAreSeen) {
  for (const char* word : {"yes", "No", "ON", "off", "y", "True"}) EXPECT_TRUE(looks_like_old_boolean(word)) << word;
  for (const char* word : {"yesterday", "none", "nor", "once"}) EXPECT_FALSE(looks_like_old_boolean(word)) << word;
  for (const char* word : {"1", "-1", "1.5", "1e3", "0x1f", ".inf", "+1"}) EXPECT_TRUE(looks_like_number(word)) << word;
  for (const char* word : {"2026-11", "v1", "1.2.3", "-", "", ".", "gpt-4o"})
    EXPECT_FALSE(looks_like_number(word)) << word;
}

TEST(Scalars, SuggestsOnlyWhatIsNear) {
  constexpr std::array<std::string_view, 3> kNames{"level", "file", "requests_per_minute"};
  EXPECT_EQ(nearest("levle", kNames), "level");
  EXPECT_EQ(nearest("requests_per_minutes", kNames), "requests_per_minute");
  EXPECT_EQ(nearest("request_per_min", kNames), "requests_per_minute");
  EXPECT_EQ(nearest("colour", kNames), "");
}

TEST(Scalars, OnlyUtf8TextIsText) {
  EXPECT_EQ(first_non_text_line("gr\xc3\xbc\xc3\x9f\t\r\n\xf0\x9f\x99\x82"), std::nullopt);
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x1b[0m", "\x7f"}) {
    EXPECT_EQ(first_non_text_line(std::string("a\n") + bad), 2);
  }
}

TEST(Scalars, PrintableNeverCutsACharacter) {
  const std::string shown = printable(std::string(63, 'a') + "\xc3\xbc\xc3\xbc");
  EXPECT_EQ(shown, std::string(63, 'a') + "...");
  EXPECT_EQ(printable("a\nb"), "a?b");
}

}  // namespace
}  // namespace tollgate::config
