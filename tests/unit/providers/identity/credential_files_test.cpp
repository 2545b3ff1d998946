// Small files, read off the loop.
#include "providers/identity/credential_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>

namespace tollgate::providers {
namespace {

class Files : public ::testing::Test {
 protected:
  Files() { std::filesystem::create_directories(folder); }
  ~Files() override { std::filesystem::remove_all(folder); }

  Result<Secret> read(const std::string& path) {
    std::optional<Result<Secret>> got;
    const auto reading =
        files.read(path, io.get_executor(), [&](Result<Secret> result) { got.emplace(std::move(result)); });
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!got && std::chrono::steady_clock::now() < limit) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(5));
    }
    return got ? *std::move(got) : Result<Secret>(Error{ErrorKind::internal, "nothing came for 10 s"});
  }
  std::string write(const std::string& name, const std::string& content) {
    std::ofstream(folder / name) << content;
    return (folder / name).string();
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("tollgate-files-" + std::to_string(::getpid()));
  net::asio::io_context io{1};
  CredentialFiles files;
};

TEST_F(Files, GivesTheContentAsItStandsNow) {
  const auto path = write("token", "one\n");
  EXPECT_EQ(read(path)->reveal(), "one\n");
  write("token", "two");
  EXPECT_EQ(read(path)->reveal(), "two");
}

TEST_F(Files, FollowsLinksAsMountedSecretsNeedIt) {
  write("..data", "linked");
  std::filesystem::create_symlink("..data", folder / "link");
  EXPECT_EQ(read((folder / "link").string())->reveal(), "linked");
}

TEST_F(Files, TellsAMissingFileFromAnUnreadableOne) {
  EXPECT_EQ(read((folder / "none").string()).error().kind, ErrorKind::not_found);
  EXPECT_EQ(read(folder.string()).error().kind, ErrorKind::upstream_error);
  const auto pipe = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(read(pipe)) << "a pipe without a writer would hold the thread";
  EXPECT_FALSE(read(write("big", std::string(CredentialFiles::kMaxBytes + 1, 'x'))));
  EXPECT_TRUE(read(write("full", std::string(CredentialFiles::kMaxBytes, 'x'))));
}

TEST_F(Files, AForgottenReadingCallsNobody) {
  bool called = false;
  auto reading = files.read(write("token", "x"), io.get_executor(), [&](const Result<Secret>&) { called = true; });
  reading.reset();
  EXPECT_TRUE(read(write("other", "y")));  // the thread takes one after the other
  EXPECT_FALSE(called);
}

TEST_F(Files, TheLoopMayGoBeforeTheAnswer) {
  const auto path = write("token", "x");
  for (int i = 0; i < 50; ++i) {
    net::asio::io_context loop(1);
    const auto reading = files.read(path, loop.get_executor(), [](const Result<Secret>&) {});
  }
}

}  // namespace
}  // namespace tollgate::providers
