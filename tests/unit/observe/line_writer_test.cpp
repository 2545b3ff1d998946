#include "gateway/observe/line_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace tollgate::observe {
namespace {

using Haste = LineWriter::Haste;
using namespace std::chrono_literals;

// What a sink was given.
struct Blocks {
  std::mutex mutex;
  std::vector<std::string> taken;
  LineWriter::Sink sink() {
    return [this](std::string_view lines) {
      const std::lock_guard lock(mutex);
      taken.emplace_back(lines);
      return true;
    };
  }
};

TEST(LineWriter, LinesThatComeTogetherLeaveTogetherAndInOrder) {
  Blocks blocks;
  {
    LineWriter writer(blocks.sink());
    for (const char* line : {"one", "two", "three"}) writer.put(line, Haste::gather);
    EXPECT_EQ(writer.written(), 3);
  }
  std::string all;
  for (const auto& block : blocks.taken) all += block + "\n";
  EXPECT_EQ(all, "one\ntwo\nthree\n");
  EXPECT_LE(blocks.taken.size(), 2U);
}

TEST(LineWriter, AnUrgentLineDoesNotWaitForTheGathering) {
  const auto wait = [] {
    std::promise<std::string> taken;
    LineWriter writer([&](std::string_view lines) {
      taken.set_value(std::string(lines));
      return true;
    });
    const auto begun = std::chrono::steady_clock::now();
    writer.put("urgent", Haste::now);
    EXPECT_EQ(taken.get_future().get(), "urgent");
    return std::chrono::steady_clock::now() - begun;
  };
  // A loaded machine may hold up any one of them; without haste each would take the gathering time at least.
  auto quickest = wait();
  for (int i = 0; i < 9 && quickest >= LineWriter::kGather; ++i) quickest = std::min(quickest, wait());
  EXPECT_LT(quickest, LineWriter::kGather);
}

TEST(LineWriter, ABlockedSinkCostsLinesAndNeverTheCaller) {
  std::promise<void> release;
  auto released = release.get_future().share();
  LineWriter writer([&](std::string_view) {
    released.wait();
    return true;
  });
  const std::string line(64 * 1024, 'x');
  const auto puts = static_cast<std::int64_t>(3 * LineWriter::kMostPending / line.size());
  for (std::int64_t i = 0; i < puts; ++i) writer.put(line, Haste::now);
  EXPECT_GE(writer.dropped(), puts / 4);
  EXPECT_EQ(writer.dropped() + writer.written(), puts);
  release.set_value();
}

TEST(LineWriter, LinesTheSinkLosesAreCounted) {
  auto writer = std::make_unique<LineWriter>([](std::string_view) { return false; });
  writer->put("one", Haste::now);
  writer->put("two", Haste::now);
  while (writer->dropped() < 2) std::this_thread::yield();
  EXPECT_EQ(writer->dropped(), 2);
}

TEST(LineWriter, ManyThreadsLoseNothing) {
  Blocks blocks;
  constexpr int kThreads = 4;
  constexpr int kLines = 5'000;
  {
    LineWriter writer(blocks.sink());
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&writer] {
        for (int i = 0; i < kLines; ++i) writer.put("line", i % 100 == 0 ? Haste::now : Haste::gather);
      });
    for (auto& thread : threads) thread.join();
  }
  std::size_t bytes = 0;
  for (const auto& block : blocks.taken) bytes += block.size() + 1;
  EXPECT_EQ(bytes, std::size_t{kThreads} * kLines * 5);
}

TEST(LogTime, IsUtcToTheMillisecond) {
  LogTime time;
  const auto at = [&](std::int64_t ms) {
    return time.at(std::chrono::system_clock::time_point(std::chrono::milliseconds(ms)));
  };
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(at(1'795'248'000'007), "2026-11-21T08:00:00.007Z");
  EXPECT_EQ(at(1'795'248'000'999), "2026-11-21T08:00:00.999Z");
  EXPECT_EQ(at(1'795'248'001'000), "2026-11-21T08:00:01.000Z");
}

}  // namespace
}  // namespace tollgate::observe
