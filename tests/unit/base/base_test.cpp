#include <gtest/gtest.h>

#include <limits>

#include "gateway/base/error.h"
#include "gateway/base/ids.h"
#include "gateway/base/money.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate {
namespace {

TEST(Uuid, PrintsAndParsesBackTheSameBytes) {
  UuidSource source;
  const Uuid id = source.next(SystemTime(std::chrono::milliseconds(1'764'000'000'123)));
  const auto back = Uuid::parse(id.to_string());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, id);
}

TEST(Uuid, CarriesVersion7AndSortsByBirth) {
  UuidSource source;
  const Uuid first = source.next(SystemTime(std::chrono::milliseconds(1'000)));
  const Uuid second = source.next(SystemTime(std::chrono::milliseconds(1'001)));
  EXPECT_EQ(first.to_string()[14], '7');
  EXPECT_LT(first, second);
  EXPECT_LT(first.to_string(), second.to_string());
}

TEST(Uuid, MatchesTheExampleOfRfc9562) {
  // RFC 9562 appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F at 0x017F22E279B0 ms.
  const std::array<std::uint8_t, 10> random = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
  const Uuid id = Uuid::v7(SystemTime(std::chrono::milliseconds(0x017F22E279B0)), random);
  EXPECT_EQ(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid, RefusesWhatIsNotOne) {
  EXPECT_FALSE(Uuid::parse(""));
  EXPECT_FALSE(Uuid::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398"));
  EXPECT_FALSE(Uuid::parse("017f22e2x79b0-7cc3-98c4-dc0c0c07398f"));
  EXPECT_FALSE(Uuid::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398g"));
}

TEST(Money, ParsesExactlyNinePlaces) {
  EXPECT_EQ(parse_nano("2.50"), 2'500'000'000);
  EXPECT_EQ(parse_nano("0.000000001"), 1);
  EXPECT_EQ(parse_nano("9223372036.854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(parse_nano("0.0000000001"));
  EXPECT_FALSE(parse_nano("9223372036.854775808"));
  for (const auto* bad : {"", ".", "1.", ".5", "-1", "+1", "1e3", "1 ", "1.2.3"}) EXPECT_FALSE(parse_nano(bad)) << bad;
}

TEST(Money, NeedsACurrency) {
  EXPECT_EQ(parse_money("5000 USD"), (Money{5'000'000'000'000, "USD"}));
  for (const auto* bad : {"5000", "5000 usd", "5000 US", "5000  USD", "USD 5000", "5000 USDX"})
    EXPECT_FALSE(parse_money(bad)) << bad;
}

TEST(Money, PrintsTheShortestExactDecimal) {
  EXPECT_EQ(format_nano(1'500'000'000), "1.50");
  EXPECT_EQ(format_nano(0), "0.00");
  EXPECT_EQ(format_nano(-1), "-0.000000001");
  EXPECT_EQ(format_nano(std::numeric_limits<std::int64_t>::min()), "-9223372036.854775808");
  EXPECT_EQ(format_nano(7'000'000'000, 0), "7");
}

Result<int> half(int n) {
  if (n % 2 != 0) return Error{ErrorKind::invalid_request, "odd"};
  return n / 2;
}

Result<int> quarter(int n) {
  TG_TRY(const int h, half(n));
  TG_TRY(const int q, half(h));
  return q;
}

TEST(Result, TryPassesTheErrorOn) {
  ASSERT_TRUE(quarter(8));
  EXPECT_EQ(*quarter(8), 2);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(Error, EveryKindHasAStatusAndAReason) {
  for (int k = 0; k <= static_cast<int>(ErrorKind::http_version); ++k) {
    const auto kind = static_cast<ErrorKind>(k);
    EXPECT_GE(http_status(kind), 400);
    EXPECT_FALSE(to_string(kind).empty());
    if (kind != ErrorKind::cancelled) {
      EXPECT_NE(reason_phrase(http_status(kind)), "Unknown");
    }
  }
}

TEST(Secret, IsEmptyAfterItWasMovedFrom) {
  Secret a(std::string("correct horse battery staple"));
  const Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the promise under test
  EXPECT_EQ(b.reveal(), "correct horse battery staple");
}

}  // namespace
}  // namespace tollgate
