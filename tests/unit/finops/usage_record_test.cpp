#include <gtest/gtest.h>

#include "finops/crc32c.h"
#include "finops/usage_fields.h"
#include "samples.h"

namespace tollgate::finops {
namespace {

std::string encoded(const UsageRecord& record) {
  std::string bytes;
  encode(record, bytes);
  return bytes;
}

TEST(UsageRecord, ComesBackFromItsBytesUnchanged) {
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 2000; ++i) {
    const auto record = samples::random_record(random);
    const auto back = decode(encoded(record));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, record);
  }
}

TEST(UsageRecord, IsRefusedWhereverItIsCutAndWhereSomethingFollows) {
  const auto bytes = encoded(samples::record(1));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode(bytes.substr(0, cut)).ok()) << cut;
  EXPECT_FALSE(decode(bytes + '\0').ok());
}

TEST(UsageRecord, IsRefusedWithAnUnknownVersionKindOrLength) {
  const auto good = encoded(samples::record(1));
  for (const auto& [offset, value] : {std::pair<std::size_t, char>{0, 3}, {0, 0}, {1, 0}, {1, 3}}) {
    auto bad = good;
    bad[offset] = value;
    EXPECT_FALSE(decode(bad).ok()) << offset;
  }
  // version, kind, two ids, attempt, started_at_ms; then the length of `organisation`
  constexpr std::size_t kOrganisation = 2 + 32 + 4 + 8;
  auto long_string = good;
  long_string.replace(kOrganisation, 2 + 7, std::string("\x01\x01", 2) + std::string(257, 'x'));
  EXPECT_FALSE(decode(long_string).ok());
  auto longest = good;
  longest.replace(kOrganisation, 2 + 7, std::string("\x00\x01", 2) + std::string(256, 'x'));
  EXPECT_TRUE(decode(longest).ok());
}

TEST(UsageRecord, RefusesAFlagOrSourceThatIsNone) {
  const auto good = encoded(samples::record(1));
  auto other = samples::record(1);
  other.stream = true;
  other.usage_source = UsageSource::estimated;
  const auto bytes = encoded(other);
  int flips = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (good[i] == bytes[i]) continue;
    auto bad = good;
    bad[i] = 3;
    EXPECT_FALSE(decode(bad).ok()) << i;
    ++flips;
  }
  EXPECT_EQ(flips, 2);
}

TEST(UsageRecord, CutsLongStringsBetweenCharacters) {
  for (std::size_t lead = 250; lead <= 257; ++lead) {
    auto record = samples::record(1);
    record.purpose = std::string(lead, 'x') + "\xF0\x9F\x98\x80\xF0\x9F\x98\x80";
    const auto back = decode(encoded(record));
    ASSERT_TRUE(back.ok());
    const std::size_t emoji = lead <= 252 ? (lead <= 248 ? 2 : 1) : 0;
    EXPECT_EQ(back->purpose.size(), std::min<std::size_t>(lead, 256) + 4 * emoji) << lead;
  }
}

TEST(UsageRecord, CutsWhatIsNotUtf8AtTheLimit) {
  auto record = samples::record(1);
  record.purpose = std::string(400, '\x80');
  EXPECT_EQ(decode(encoded(record))->purpose.size(), kMaxStringBytes);
}

TEST(UsageRecord, NeverExceedsTheRingsLargestRecord) {
  std::mt19937_64 random(1);
  auto record = samples::random_record(random);
  for (auto* field :
       {&record.organisation, &record.department, &record.cost_center, &record.application, &record.purpose,
        &record.use_case, &record.credential, &record.user_hash, &record.operation, &record.model_asked,
        &record.model_served, &record.provider, &record.processing_region, &record.currency, &record.price_version,
        &record.outcome, &record.rule_pack, &record.upstream_request_id})
    *field = std::string(5000, 'x');
  EXPECT_LE(encoded(record).size(), kMaxEncodedBytes);
}

TEST(UsageRecord, KeepsItsByteFormFromVersionToVersion) {
  // A ring written by the version before an upgrade is read by the one after it.
  UsageRecord record;
  const auto bytes = encoded(record);
  EXPECT_EQ(bytes.size(), 196U);
  EXPECT_EQ(crc32c(bytes), 2032177544U);
  const auto first = samples::first_form(record);
  EXPECT_EQ(first.size(), 178U);
  EXPECT_EQ(crc32c(first), 3651184699U);
}

TEST(UsageRecord, IsReadFromTheFormOfTheVersionBeforeWhereverThatIsCut) {
  auto record = samples::record(1);
  const auto old = samples::first_form(record);
  const auto back = decode(old);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, record);
  for (std::size_t cut = 0; cut < old.size(); ++cut) EXPECT_FALSE(decode(old.substr(0, cut)).ok()) << cut;
  EXPECT_FALSE(decode(old + '\0').ok());
}

TEST(Crc32c, MatchesTheExamplesOfRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283U);
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstruction) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(crc32c(bytes), crc32c_portable(bytes));
    bytes.push_back(static_cast<char>(i * 37));
  }
}

}  // namespace
}  // namespace tollgate::finops
