#include "gateway/observe/json_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace tollgate::observe {
namespace {

class JsonLogTest : public testing::Test {
 protected:
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> out;
    std::ifstream in(file_);
    for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
    return out;
  }
  void TearDown() override { std::filesystem::remove(file_); }

  std::string file_ = testing::TempDir() + "json_log_test." + std::to_string(::getpid()) + ".log";
};

TEST_F(JsonLogTest, EveryLineIsOneObjectWithItsFieldsInOrder) {
  {
    const auto log = make_json_log(LogLevel::info, file_);
    log->write(LogLevel::warning, "a_thing", "said \"so\"\n",
               {{"text", std::string_view("tab\there")}, {"number", std::int64_t{-42}}, {"flag", true}});
    log->write(LogLevel::info, "another", {}, {});
    EXPECT_EQ(log->written(), 2);
    EXPECT_EQ(log->dropped(), 0);
  }
  const auto got = lines();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].at("level"), "warning");
  EXPECT_EQ(got[0].at("event"), "a_thing");
  EXPECT_EQ(got[0].at("message"), "said \"so\"\n");
  EXPECT_EQ(got[0].at("text"), "tab\there");
  EXPECT_EQ(got[0].at("number"), -42);
  EXPECT_EQ(got[0].at("flag"), true);
  EXPECT_EQ(got[0].at("time").get<std::string>().size(), std::string("2026-11-21T08:00:00.000Z").size());
  EXPECT_FALSE(got[1].contains("message"));
}

TEST_F(JsonLogTest, WhatIsBelowTheLevelIsNotWritten) {
  {
    const auto log = make_json_log(LogLevel::warning, file_);
    log->write(LogLevel::info, "quiet", {}, {});
    log->set_level(LogLevel::debug);
    log->write(LogLevel::debug, "loud", {}, {});
    EXPECT_EQ(log->written(), 1);
  }
  const auto got = lines();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].at("event"), "loud");
}

TEST_F(JsonLogTest, AfterTheFileWasMovedAwayItGoesOnInANewOne) {
  const std::string moved = file_ + ".1";
  {
    const auto log = make_json_log(LogLevel::info, file_);
    log->write(LogLevel::warning, "before", {}, {});
    while (lines().empty()) std::this_thread::yield();
    std::filesystem::rename(file_, moved);
    EXPECT_TRUE(log->reopen());
    log->write(LogLevel::warning, "after", {}, {});
  }
  const auto got = lines();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].at("event"), "after");
  EXPECT_TRUE(std::filesystem::remove(moved));
}

TEST_F(JsonLogTest, ItGoesOnWhereItWasWhenTheNewFileCannotBeOpened) {
  const std::filesystem::path folder = file_ + ".d";
  const std::filesystem::path moved = file_ + ".moved";
  std::filesystem::create_directory(folder);
  {
    const auto log = make_json_log(LogLevel::info, folder / "log");
    std::filesystem::rename(folder, moved);
    std::ofstream(folder) << "no folder";
    EXPECT_FALSE(log->reopen());
    log->write(LogLevel::warning, "still here", {}, {});
  }
  std::ifstream in(moved / "log");
  std::string line;
  EXPECT_TRUE(std::getline(in, line));
  EXPECT_EQ(nlohmann::json::parse(line).at("event"), "still here");
  std::filesystem::remove_all(moved);
  std::filesystem::remove(folder);
}

TEST_F(JsonLogTest, AHalfLineOfAProcessThatWasKilledCostsNoOtherLine) {
  const std::string whole = "{\"event\":\"whole\"}\n";
  for (const std::string& before : {std::string(), whole, whole + R"({"event":"ha)"}) {
    std::ofstream(file_, std::ios::trunc) << before;
    make_json_log(LogLevel::info, file_)->write(LogLevel::info, "next", {}, {});
    std::ifstream in(file_);
    std::string line;
    std::size_t count = 0;
    for (std::string last; std::getline(in, last); ++count) line = last;
    EXPECT_EQ(nlohmann::json::parse(line).at("event"), "next") << before;
    EXPECT_EQ(count, before.empty() ? 1U : before == whole ? 2U : 3U) << "no empty lines either";
  }
}

TEST_F(JsonLogTest, AFileThatCannotBeOpenedIsSaidAtOnce) {
  EXPECT_THROW((void)make_json_log(LogLevel::info, "/proc/no/such/place.log"), std::runtime_error);
}

}  // namespace
}  // namespace tollgate::observe
