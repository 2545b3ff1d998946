// What a file system can do to a configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "config/document.h"
#include "config/files.h"
#include "config/secrets.h"
#include "support.h"

namespace tollgate::config {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::load_offline;
using testing::minimal;
using testing::problems_of;
using ::testing::SizeIs;

const std::string kIncludeAll = minimal("include: [conf.d/**]\n");

TEST(Files, AMissingMainFileIsSaidSo) {
  const Folder folder;
  EXPECT_THAT(problems_of(load(folder.main())), ElementsAre(folder.main().string() + ": does not exist"));
}

TEST(Files, ADirectoryInsteadOfAFileIsSaidSo) {
  const Folder folder;
  EXPECT_THAT(problems_of(load(folder.path())), ElementsAre(HasSubstr("is a directory")));
}

TEST(Files, AHugeFileIsNotRead) {
  const Folder folder;
  std::ofstream(folder.main()) << "schema: 1\n";
  fs::resize_file(folder.main(), 50 << 20);
  EXPECT_THAT(problems_of(load(folder.main())), ElementsAre(folder.main().string() + ": is larger than 1MiB"));
}

TEST(Files, AFifoDoesNotBlock) {
  const Folder folder;
  ASSERT_EQ(::mkfifo(folder.main().c_str(), 0600), 0);
  EXPECT_THAT(problems_of(load(folder.main())), ElementsAre(folder.main().string() + ": is not a regular file"));
}

TEST(Files, AnUnreadableIncludeIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const Folder folder;
  folder.write("conf.d/departments/d.yaml", "id: d\n", 0);
  EXPECT_THAT(problems_of(load_offline(folder, kIncludeAll)),
              ElementsAre("conf.d/departments/d.yaml: may not be read by this user"));
}

TEST(Files, ADanglingLinkIsNamed) {
  const Folder folder;
  fs::create_directories(folder.path() / "conf.d/departments");
  fs::create_symlink("nowhere.yaml", folder.path() / "conf.d/departments/d.yaml");
  EXPECT_THAT(problems_of(load_offline(folder, kIncludeAll)), ElementsAre("conf.d/departments/d.yaml: does not exist"));
}

TEST(Files, ALinkToItselfIsNamed) {
  const Folder folder;
  fs::create_directories(folder.path() / "conf.d/departments");
  fs::create_symlink("d.yaml", folder.path() / "conf.d/departments/d.yaml");
  EXPECT_THAT(problems_of(load_offline(folder, kIncludeAll)),
              ElementsAre("conf.d/departments/d.yaml: is a symbolic link that leads to itself"));
}

TEST(Files, ADirectoryLinkedBackIsReadOnce) {
  const Folder folder;
  folder.write("conf.d/departments/d.yaml", "id: d\n");
  fs::create_directory_symlink("..", folder.path() / "conf.d/departments/loop");
  const LoadResult result = load_offline(folder, kIncludeAll);
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->departments.size(), 1U);
}

// A Kubernetes volume: visible names are links into a hidden, versioned directory.
TEST(Files, AKubernetesVolumeIsReadOnce) {
  const Folder folder;
  folder.write("conf.d/..2026_01_01/departments/d.yaml", "id: d\n");
  fs::create_directory_symlink("..2026_01_01", folder.path() / "conf.d/..data");
  fs::create_directory_symlink("..data/departments", folder.path() / "conf.d/departments");
  const LoadResult result = load_offline(folder, kIncludeAll);
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->departments.size(), 1U);
}

TEST(Files, AFileNamedTwiceIsReadOnce) {
  const Folder folder;
  folder.write("conf.d/departments/d.yaml", "id: d\n");
  EXPECT_THAT(problems_of(load_offline(
                  folder, minimal("include: [conf.d/**, conf.d/departments/*, conf.d/departments/d.yaml]\n"))),
              IsEmpty());
}

TEST(Files, TheMainFileIncludingItselfIsReadOnce) {
  const Folder folder;
  EXPECT_THAT(problems_of(load_offline(folder, minimal("include: [./*, tollgate.yaml]\n"))), IsEmpty());
}

TEST(Files, AListOfWordsIsReadOfflineToo) {
  const Folder folder;
  const std::string main = minimal("pii: {detectors: {STAFF: {file: staff.txt}}}\n");
  EXPECT_THAT(problems_of(load_offline(folder, main)), SizeIs(1)) << "it decides what is found, and is no secret";
  folder.write("staff.txt", "Anna Berger\n");
  const LoadResult result = load_offline(folder, main);
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_NE(result.snapshot->pii_detectors, nullptr);
}

TEST(Files, AnIncludeOutsideEveryKindOfDirectoryIsRefused) {
  const Folder folder;
  folder.write("conf.d/stray.yaml", "id: d\n");
  EXPECT_THAT(problems_of(load_offline(folder, kIncludeAll)),
              ElementsAre("conf.d/stray.yaml: lies in none of the directories providers, models, departments and "
                          "policies, which say what a file holds"));
}

TEST(Files, AMissingIncludeIsNamedWhereItIsWritten) {
  const Folder folder;
  EXPECT_THAT(problems_of(load_offline(folder, kIncludeAll)),
              ElementsAre("tollgate.yaml:4 include: conf.d/ does not exist"));
}

TEST(Files, IncludesAreReadInTheOrderOfTheirNames) {
  const Folder folder;
  for (const char* name : {"b.yaml", "a.yml", "c/d.yaml", "c.txt"}) folder.write(std::string("dir/") + name, "");
  const auto files = expand_include(folder.path(), "dir/**");
  ASSERT_TRUE(files.ok());
  std::vector<std::string> names;
  for (const fs::path& file : *files) names.push_back(display_name(file, folder.path() / "dir"));
  EXPECT_THAT(names, ElementsAre("a.yml", "b.yaml", "c/d.yaml"));
  EXPECT_FALSE(expand_include(folder.path(), "dir/[ab].yaml").ok());
}

TEST(Files, MoreValuesThanAFileMayHoldAreRefused) {
  std::string text = "[";
  for (int i = 0; i < 220'000; ++i) text += "1,";
  std::vector<Problem> problems;
  EXPECT_EQ(parse_yaml(text + "1]", "f", problems), std::nullopt);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].message, "more than 200000 values in one file");
}

}  // namespace
}  // namespace tollgate::config
