#include "gateway/net/percent.h"

#include <gtest/gtest.h>

namespace tollgate::net {
namespace {

TEST(PercentDecode, DecodesEachEscapeOnce) {
  EXPECT_EQ(percent_decode(""), "");
  EXPECT_EQ(percent_decode("gpt-4o"), "gpt-4o");
  EXPECT_EQ(percent_decode("meta%2Fllama%3a3"), "meta/llama:3");
  EXPECT_EQ(percent_decode("%2541"), "%41");
  EXPECT_EQ(percent_decode("%C3%A9%20a+b"), "\xc3\xa9 a+b");
}

TEST(PercentDecode, RefusesBrokenEscapes) {
  for (const auto* text : {"%", "a%2", "%zz", "%2g", "%g2", "%%41", "% 41"})
    EXPECT_FALSE(percent_decode(text).has_value()) << text;
}

TEST(PercentDecode, RefusesControlCharacters) {
  for (const auto* text : {"%00", "%0d%0a", "%1f", "%7f"}) EXPECT_FALSE(percent_decode(text).has_value()) << text;
}

TEST(QueryValue, IsTheFirstOfItsName) {
  EXPECT_EQ(query_value("/p?alt=sse&key=a&key=b", "key"), "a");
  EXPECT_EQ(query_value("/p?alt=sse", "alt"), "sse");
  EXPECT_EQ(query_value("/p?keys=a&x", "key"), "");
  EXPECT_EQ(query_value("/p?x&key=", "key"), "");
  EXPECT_EQ(query_value("/p", "key"), "");
  EXPECT_EQ(query_value("", "key"), "");
}

}  // namespace
}  // namespace tollgate::net
