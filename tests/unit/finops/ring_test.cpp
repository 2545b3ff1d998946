#include "finops/ring.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "finops/ring_directory.h"
#include "samples.h"

namespace tollgate::finops {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSmall = 128 * 1024;

class RingTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ring> make(const char* name = "a.ring") {
    auto ring = Ring::create(directory_.path() / name, kSmall, samples::id(1));
    EXPECT_TRUE(ring.ok());
    return *std::move(ring);
  }
  static std::uint64_t read_all(RingReader& reader, std::uint64_t expected_from = 0) {
    std::string_view bytes;
    auto n = expected_from;
    for (; reader.next(bytes) == RingReader::Next::record; ++n) {
      const auto record = decode(bytes);
      EXPECT_TRUE(record.ok());
      EXPECT_EQ(record->event_id, samples::id(n));
    }
    return n;
  }
  samples::TemporaryDirectory directory_;
};

TEST_F(RingTest, GivesRecordsInTheirOrderAcrossManyLaps) {
  const auto ring = make();
  RingWriter writer(*ring);
  RingReader reader(*ring);
  std::uint64_t read = 0;
  for (std::uint64_t n = 0; n < 5000; ++n) {
    auto record = samples::record(n);
    record.purpose.assign(n % 200, 'x');
    ASSERT_TRUE(writer.push(record));
    if (n % 70 != 0) continue;
    read = read_all(reader, read);
    reader.release();
  }
  EXPECT_EQ(read_all(reader, read), 5000U);
}

TEST_F(RingTest, RefusesWhenFullAndAcceptsAgainOnceDrained) {
  const auto ring = make();
  RingWriter writer(*ring);
  RingReader reader(*ring);
  std::uint64_t n = 0;
  while (writer.push(samples::record(n))) ++n;
  EXPECT_GT(writer.fill(), 0.99);
  EXPECT_EQ(read_all(reader), n);
  EXPECT_FALSE(writer.push(samples::record(n)));  // read is not yet durable
  reader.release();
  EXPECT_EQ(writer.fill(), 0);
  EXPECT_TRUE(writer.push(samples::record(n)));
}

TEST_F(RingTest, KnowsForHowLongItHasBeenRefusing) {
  const auto ring = make();
  RingWriter writer(*ring);
  RingReader reader(*ring);
  std::uint64_t n = 0;
  for (; writer.push(samples::record(n)); ++n) ASSERT_EQ(writer.full_for(), 0ms);
  std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(writer.push(samples::record(n)));
  EXPECT_GE(writer.full_for(), 5ms) << "since the first refusal, not the last";
  read_all(reader);
  reader.release();
  EXPECT_TRUE(writer.push(samples::record(n)));
  EXPECT_EQ(writer.full_for(), 0ms);
}

TEST_F(RingTest, KeepsAQuarterForTheEndingsOfCallsLetIn) {
  const auto ring = make();
  RingWriter writer(*ring);
  std::uint64_t intents = 0;
  while (writer.push(samples::record(intents, RecordKind::intent))) ++intents;
  EXPECT_NEAR(writer.fill(), 0.75, 0.01);
  std::uint64_t finals = 0;
  while (writer.push(samples::record(finals))) ++finals;
  EXPECT_NEAR(static_cast<double>(finals), static_cast<double>(intents) / 3, static_cast<double>(intents) / 20);
}

TEST_F(RingTest, IsReadByTheNextProcessFromTheFirstRecordThatWasNotReleased) {
  auto ring = make();
  {
    RingWriter writer(*ring);
    RingReader reader(*ring);
    for (std::uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(writer.push(samples::record(n)));
    std::string_view bytes;
    for (int i = 0; i < 4; ++i) reader.next(bytes);
    reader.release();
    reader.next(bytes);  // read, but its commit never happened
  }
  ring.reset();
  auto adoption = Ring::adopt(directory_.path() / "a.ring");
  ASSERT_EQ(adoption.found, Ring::Found::adopted);
  EXPECT_EQ(adoption.ring->header().owner, samples::id(1));
  RingReader reader(*adoption.ring);
  EXPECT_EQ(read_all(reader, 4), 10U);
}

TEST_F(RingTest, StopsAtATornRecord) {
  const auto ring = make();
  RingWriter writer(*ring);
  std::vector<std::uint64_t> starts;
  for (std::uint64_t n = 0; n < 5; ++n) {
    starts.push_back(ring->header().head.load());
    ASSERT_TRUE(writer.push(samples::record(n)));
  }
  for (const std::size_t offset : {0U, 4U, 8U, 16U, 60U, 200U}) {
    char* byte = ring->at(starts[3]) + offset;
    const char saved = *byte;
    *byte = static_cast<char>(saved ^ 0x40);
    RingReader reader(*ring);
    EXPECT_EQ(read_all(reader), 3U) << offset;
    std::string_view bytes;
    EXPECT_EQ(reader.next(bytes), RingReader::Next::damaged) << offset;
    *byte = saved;
  }
  RingReader reader(*ring);
  EXPECT_EQ(read_all(reader), 5U);
}

TEST_F(RingTest, DoesNotTakeARecordOfAnEarlierLapForANewOne) {
  const auto ring = make();
  RingWriter writer(*ring);
  RingReader reader(*ring);
  std::uint64_t n = 0;
  while (writer.push(samples::record(n))) ++n;
  const auto lap = ring->header().head.load();
  read_all(reader);
  reader.release();
  // A power cut that kept the new head but not the new bytes: what lies there is a good record of the lap before.
  ring->header().tail.store(ring->capacity());
  ring->header().head.store(ring->capacity() + lap);
  RingReader after(*ring);
  std::string_view bytes;
  EXPECT_EQ(after.next(bytes), RingReader::Next::damaged);
}

TEST_F(RingTest, BelongsToTheProcessThatHoldsItsLock) {
  const auto ring = make();
  EXPECT_EQ(Ring::adopt(ring->path()).found, Ring::Found::owned);
}

TEST_F(RingTest, RefusesFilesThatAreNoRing) {
  const auto write = [this](const char* name, const std::string& bytes) {
    std::ofstream(directory_.path() / name) << bytes;
    return Ring::adopt(directory_.path() / name).found;
  };
  EXPECT_EQ(write("empty.ring", ""), Ring::Found::unfinished);
  EXPECT_EQ(write("zero.ring", std::string(kRingHeaderBytes + kSmall, '\0')), Ring::Found::unfinished);
  EXPECT_EQ(write("noise.ring", std::string(kRingHeaderBytes + kSmall, 'x')), Ring::Found::damaged);
  EXPECT_EQ(write("odd.ring", std::string(kRingHeaderBytes + kSmall + 1, '\0')), Ring::Found::damaged);
  make("short.ring");
  std::filesystem::resize_file(directory_.path() / "short.ring", kRingHeaderBytes + kSmall - 4096);
  EXPECT_EQ(Ring::adopt(directory_.path() / "short.ring").found, Ring::Found::damaged);
}

TEST_F(RingTest, WhatCannotBeOpenedNowIsNoDamageAndIsAdoptedLater) {
  const auto path = make()->path();
  const auto away = directory_.path() / "away";
  std::filesystem::rename(path, away);
  std::filesystem::create_directory(path);  // open(2) refuses it, whoever asks
  const auto adoption = Ring::adopt(path);
  EXPECT_EQ(adoption.found, Ring::Found::unreadable);
  EXPECT_FALSE(adoption.why.empty());
  std::filesystem::remove(path);
  std::filesystem::rename(away, path);
  EXPECT_EQ(Ring::adopt(path).found, Ring::Found::adopted);
}

TEST_F(RingTest, RefusesPositionsThatCannotBe) {
  const auto path = make()->path();
  const auto with = [&](std::uint64_t head, std::uint64_t tail) {
    auto adoption = Ring::adopt(path);
    if (adoption.found != Ring::Found::adopted) return adoption.found;
    adoption.ring->header().head.store(head);
    adoption.ring->header().tail.store(tail);
    adoption.ring.reset();
    auto again = Ring::adopt(path);
    return again.found;
  };
  EXPECT_EQ(with(64, 32), Ring::Found::adopted);
  EXPECT_EQ(with(32, 64), Ring::Found::damaged);
}

TEST_F(RingTest, IsAllocatedInFull) {
  const auto ring = make();
  std::error_code code;
  EXPECT_EQ(std::filesystem::file_size(ring->path(), code), kRingHeaderBytes + kSmall);
  struct stat info{};
  ASSERT_EQ(::stat(ring->path().c_str(), &info), 0);
  EXPECT_GE(static_cast<std::size_t>(info.st_blocks) * 512, kRingHeaderBytes + kSmall);
}

TEST_F(RingTest, RefusesASizeTooSmallForItsRecords) {
  EXPECT_FALSE(Ring::create(directory_.path() / "b.ring", 4096, samples::id(1)).ok());
}

TEST_F(RingTest, CarriesRecordsBetweenTwoThreads) {
  const auto ring = make();
  constexpr std::uint64_t kCount = 20'000;
  std::thread producer([&ring] {
    RingWriter writer(*ring);
    for (std::uint64_t n = 0; n < kCount; ++n)
      while (!writer.push(samples::record(n))) std::this_thread::yield();
  });
  RingReader reader(*ring);
  std::uint64_t read = 0;
  while (read < kCount && !HasFailure()) {
    read = read_all(reader, read);
    reader.release();
  }
  producer.join();
  EXPECT_EQ(read, kCount);
}

TEST_F(RingTest, WhatCannotBeReadNowStaysAndItsOwnerCountsAsLiving) {
  auto rings = RingDirectory::open(directory_.path() / "rings");
  ASSERT_TRUE(rings.ok());
  const auto path = directory_.path() / "rings" / (samples::id(9).to_string() + "-0.ring");
  std::filesystem::create_directory(path);  // open(2) refuses it, whoever asks
  auto left = rings->adopt();
  ASSERT_TRUE(left.ok());
  ASSERT_EQ(left->unreadable.size(), 1U);
  EXPECT_EQ(left->unreadable[0].path, path);
  EXPECT_TRUE(left->living.contains(samples::id(9)));
  EXPECT_TRUE(left->damaged.empty());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(RingTest, DirectoryAdoptsWhatNobodyOwnsAndNamesTheLiving) {
  auto opened = RingDirectory::open(directory_.path() / "rings");
  ASSERT_TRUE(opened.ok());
  const auto& rings = *opened;
  auto mine = rings.create(samples::id(7), 0, kSmall);
  auto theirs = rings.create(samples::id(8), 0, kSmall);
  ASSERT_TRUE(mine.ok() && theirs.ok());
  (*theirs).reset();
  std::ofstream(directory_.path() / "rings" / "noise.ring") << std::string(kRingHeaderBytes + kSmall, 'x');
  std::ofstream(directory_.path() / "rings" / "unfinished.ring") << "";
  const auto left = rings.adopt();
  ASSERT_TRUE(left.ok());
  ASSERT_EQ(left->rings.size(), 1U);
  EXPECT_EQ(left->rings[0]->header().owner, samples::id(8));
  EXPECT_EQ(left->living, std::set<Uuid>{samples::id(7)});
  ASSERT_EQ(left->damaged.size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(left->damaged[0]));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "rings" / "unfinished.ring"));
}

}  // namespace
}  // namespace tollgate::finops
