#include "local_backend/detokenizer.h"

#include <gtest/gtest.h>

#include <random>

#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace {

TEST(Utf8Stream, GivesTheSameTextWhereverItIsCut) {
  std::mt19937 random(4);
  const std::vector<std::string> pool = {"a",        "é",    "東",           "🙂",       "\xC3",
                                         "\xF0\x9F", "\xFF", "\xED\xA0\x80", "\xE6\x9D", "z"};
  for (int round = 0; round < 500; ++round) {
    std::string bytes;
    for (unsigned i = 0; i < 12; ++i) bytes += pool[random() % pool.size()];
    Utf8Stream stream;
    std::string out;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = 1 + random() % 3;
      stream.feed(std::string_view(bytes).substr(at, n), out);
      EXPECT_EQ(to_valid_utf8(out), out) << "cut inside a character";
      at += n;
    }
    stream.finish(out);
    EXPECT_EQ(out, to_valid_utf8(bytes));
  }
}

TEST(Utf8Stream, InvalidBytesBecomeOneReplacementForEachMaximalSubpart) {
  EXPECT_EQ(to_valid_utf8("\xF0\x9F\x98"), "\uFFFD");
  EXPECT_EQ(to_valid_utf8("\xC0\x80"), "\uFFFD\uFFFD");
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(to_valid_utf8("\xE6\x9D"
                          "a"),
            "\uFFFD"
            "a");
}

// Feeds `text` in the given pieces; the output, and whether a stop string was found.
std::pair<std::string, bool> run(const std::vector<std::string>& stops, const std::string& text, std::mt19937* random) {
  StopMatcher matcher(stops);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = random == nullptr ? text.size() : 1 + (*random)() % 3;
    if (matcher.feed(std::string_view(text).substr(at, n), out)) return {out, true};
    at += n;
  }
  const bool found = matcher.finish(out);
  return {out, found};
}

TEST(StopMatcher, CutsAtTheEarliestStopWhereverTheTextIsCut) {
  std::mt19937 random(5);
  const std::vector<std::vector<std::string>> sets = {{"ab"}, {"abcd", "bc"}, {"aa", "aab"}, {"cab", "abc", "b"}, {}};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (unsigned i = 0; i < 10; ++i) text += static_cast<char>('a' + random() % 4);
    for (const auto& stops : sets) {
      std::size_t first = std::string::npos;
      for (const auto& stop : stops) first = std::min(first, text.find(stop));
      const auto [out, found] = run(stops, text, &random);
      EXPECT_EQ(out, text.substr(0, first)) << text;
      EXPECT_EQ(found, first != std::string::npos) << text;
    }
  }
}

TEST(StopMatcher, HoldsBackOnlyWhatMayBeAStop) {
  StopMatcher matcher({"STOP"});
  std::string out;
  EXPECT_FALSE(matcher.feed("text ST", out));
  EXPECT_EQ(out, "text ");
  EXPECT_FALSE(matcher.feed("AND", out));
  EXPECT_EQ(out, "text STAND");
}

}  // namespace
}  // namespace tollgate::local_backend
