#include "gateway/auth/handles.h"

#include <gtest/gtest.h>

namespace tollgate::auth {
namespace {

Handles handles(char key = 'k') { return Handles(Secret(std::string(32, key))); }

TEST(Handles, OpenWhatTheyHaveSealedAndShowNothingOfIt) {
  const auto name = handles().seal("file-", "retail", {"openai-eu", "file-abc"});
  EXPECT_TRUE(name.starts_with("file-"));
  EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), name.npos);
  EXPECT_EQ(name.find("abc", 5), name.npos);
  const auto opened = handles().open("file-", "retail", name);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->provider, "openai-eu");
  EXPECT_EQ(opened->id, "file-abc");
  EXPECT_EQ(name, handles().seal("file-", "retail", {"openai-eu", "file-abc"})) << "the same object, the same name";
}

TEST(Handles, OpenForNobodyElse) {
  const auto name = handles().seal("file-", "retail", {"openai-eu", "file-abc"});
  EXPECT_FALSE(handles().open("file-", "treasury", name));
  EXPECT_FALSE(handles().open("batch_", "retail", name));
  EXPECT_FALSE(handles().open("batch_", "retail", "batch_" + name.substr(5)));
  EXPECT_FALSE(handles('x').open("file-", "retail", name));
}

TEST(Handles, OpenNothingThatWasChanged) {
  const auto name = handles().seal("file-", "retail", {"openai-eu", "file-abc"});
  for (std::size_t i = 5; i < name.size(); ++i) {
    std::string changed = name;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(handles().open("file-", "retail", changed)) << i;
  }
  for (const char* wrong : {"", "file-", "file-AAAA", "file-file-abc", "file-!!"})
    EXPECT_FALSE(handles().open("file-", "retail", wrong)) << wrong;
  EXPECT_FALSE(handles().open("file-", "retail", "file-" + std::string(5000, 'A')));
}

TEST(Handles, MarkDepartmentsApart) {
  EXPECT_EQ(handles().owner_mark("retail").size(), 24U);
  EXPECT_EQ(handles().owner_mark("retail"), handles().owner_mark("retail"));
  EXPECT_NE(handles().owner_mark("retail"), handles().owner_mark("treasury"));
  EXPECT_NE(handles().owner_mark("retail"), handles('x').owner_mark("retail"));
}

TEST(Handles, GiveAnObjectOneRecord) {
  const auto id = handles().record_id({"openai-eu", "file-abc"});
  EXPECT_EQ(id, handles().record_id({"openai-eu", "file-abc"}));
  EXPECT_NE(id, handles().record_id({"openai-eu", "file-abd"}));
  EXPECT_NE(id, handles().record_id({"openai-us", "file-abc"}));
  EXPECT_EQ(id.to_string()[14], '8') << "RFC 9562: made by rules of our own";
}

}  // namespace
}  // namespace tollgate::auth
