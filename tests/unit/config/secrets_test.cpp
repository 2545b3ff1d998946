#include "config/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // setenv is POSIX, not <cstdlib>
#include <sys/stat.h>

#include "support.h"

namespace tollgate::config {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::minimal;
using testing::problems_of;

const std::string kWithPassword = "redis: {url: redis://127.0.0.1, password: {file: secret}}\n";

LoadResult load_main(const Folder& folder, const std::string& more) {
  folder.write("tollgate.yaml", minimal(more));
  return load(folder.main());
}

TEST(Secrets, AFileOpenToEverybodyIsRefused) {
  const Folder folder;
  folder.write_secrets();
  folder.write("secret", "hunter2\n", 0644);
  EXPECT_THAT(problems_of(load_main(folder, kWithPassword)),
              ElementsAre("tollgate.yaml:4 redis.password: file " + (folder.path() / "secret").string() +
                          " is open to every user (mode 0644): chmod 0600 it, or set defaultMode: 0440 on a Kubernetes "
                          "volume"));
  folder.write("secret", "hunter2\r\n", 0640);
  const LoadResult result = load_main(folder, kWithPassword);
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->redis->password->reveal(), "hunter2");
}

TEST(Secrets, AMissingFileIsNamed) {
  const Folder folder;
  folder.write_secrets();
  std::filesystem::remove(folder.path() / "secret");
  EXPECT_THAT(problems_of(load_main(folder, kWithPassword)), ElementsAre(HasSubstr("/secret does not exist")));
}

TEST(Secrets, OneThatReplicasShareIsLongEnoughNotToBeGuessed) {
  const Folder folder;
  folder.write_secrets();
  const std::string pool = "pool: {replicas: [{id: blue, secret: {file: secret}}]}\n";
  folder.write("secret", std::string(31, 'b') + "\n", 0600);
  EXPECT_THAT(
      problems_of(load_main(folder, pool)),
      ElementsAre("tollgate.yaml:4 pool.replicas[0].secret: needs at least 32 characters, such as `openssl rand "
                  "-hex 32` makes"));
  folder.write("secret", std::string(32, 'b') + "\n", 0600);
  const LoadResult result = load_main(folder, pool);
  ASSERT_THAT(problems_of(result), IsEmpty());
  ASSERT_EQ(result.snapshot->replicas.size(), 1U);
  EXPECT_EQ(result.snapshot->replicas[0].id, "blue");
}

TEST(Secrets, AnEmptyFileIsRefused) {
  const Folder folder;
  folder.write_secrets();
  folder.write("secret", "\n", 0600);
  EXPECT_THAT(problems_of(load_main(folder, kWithPassword)), ElementsAre(HasSubstr("/secret is empty")));
}

TEST(Secrets, ComeFromTheEnvironment) {
  const Folder folder;
  folder.write_secrets();
  const std::string yaml = "redis: {url: redis://127.0.0.1, password: {env: TOLLGATE_TEST_PASSWORD}}\n";
  ::unsetenv("TOLLGATE_TEST_PASSWORD");
  EXPECT_THAT(problems_of(load_main(folder, yaml)),
              ElementsAre("tollgate.yaml:4 redis.password: environment variable TOLLGATE_TEST_PASSWORD is not set"));
  ::setenv("TOLLGATE_TEST_PASSWORD", "hunter2", 1);
  const LoadResult result = load_main(folder, yaml);
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->redis->password->reveal(), "hunter2");
}

TEST(Secrets, SealedTextOpensWithTheMasterKeyOnly) {
  const Folder folder;
  folder.write_secrets();
  const auto master = read_master_key_file(folder.path() / "master.key");
  ASSERT_TRUE(master.ok());
  const auto sealed = seal(*master, Secret("hunter2"));
  ASSERT_TRUE(sealed.ok());
  const std::string yaml = "redis: {url: redis://127.0.0.1, password: {sealed: \"" + *sealed + "\"}}\n";
  const LoadResult result = load_main(folder, yaml);
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->redis->password->reveal(), "hunter2");

  folder.write("master.key", std::string(64, 'a'), 0600);
  EXPECT_THAT(problems_of(load_main(folder, yaml)),
              ElementsAre("tollgate.yaml:4 redis.password: the sealed text was sealed with another master key, or was "
                          "changed"));
}

TEST(Secrets, SealingTwiceGivesDifferentTexts) {
  const Secret master(std::string(kMasterKeyBytes, 'k'));
  const Secret plain("same");
  EXPECT_NE(*seal(master, plain), *seal(master, plain));
}

TEST(Secrets, ChangedSealedTextIsRefused) {
  const Secret master(std::string(kMasterKeyBytes, 'k'));
  std::string sealed = *seal(master, Secret("plain"));
  sealed[sealed.size() / 2] = sealed[sealed.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(unseal(master, sealed).ok());
  EXPECT_FALSE(unseal(master, "v1:").ok());
  EXPECT_FALSE(unseal(master, "v1:!!!").ok());
  EXPECT_FALSE(unseal(Secret("short"), sealed).ok());
}

TEST(MasterKey, ReadsRawHexAndBase64) {
  const std::string raw(32, '\n');  // raw bytes are not trimmed
  EXPECT_EQ(parse_master_key(raw)->reveal(), raw);
  EXPECT_EQ(parse_master_key(std::string(64, '6') + "\n")->reveal(), std::string(32, 'f'));
  EXPECT_EQ(parse_master_key("ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=\n")->reveal(), std::string(32, 'f'));
  EXPECT_FALSE(parse_master_key("short").ok());
  EXPECT_FALSE(parse_master_key(std::string(64, 'z')).ok());
}

TEST(MasterKey, IsMadeForItsOwnerAndNeverReplaced) {
  const Folder folder;
  const auto path = folder.path() / "made.key";
  ASSERT_TRUE(make_master_key(path).ok());
  struct stat facts{};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0600U);
  const auto key = read_master_key_file(path);
  ASSERT_TRUE(key.ok());
  EXPECT_FALSE(make_master_key(path).ok());
  EXPECT_EQ(read_master_key_file(path)->reveal(), key->reveal());
}

TEST(MasterKey, AMissingFileSaysHowToMakeOne) {
  const Folder folder;
  folder.write_secrets();
  std::filesystem::remove(folder.path() / "master.key");
  const std::string file = (folder.path() / "master.key").string();
  EXPECT_THAT(problems_of(load_main(folder, "")),
              ElementsAre("tollgate.yaml:2 master_key: file " + file +
                          " does not exist; make one with: (umask 077; openssl rand -hex 32 > " + file + ")"));
}

TEST(Certificates, ThatDoNotBelongTogetherAreRefused) {
  const Folder folder;
  folder.write_secrets();
  folder.write("tls.crt", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  const LoadResult result = load_main(folder, "");
  ASSERT_EQ(result.problems.size(), 1U);
  EXPECT_THAT(result.problems[0].to_string(), HasSubstr("tollgate.yaml:3 listen: tls: "));
}

}  // namespace
}  // namespace tollgate::config
