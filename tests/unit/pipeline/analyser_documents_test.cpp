// Texts as documents: together where they are short, in pieces where they are long, and findings back in the texts.
#include "gateway/pipeline/analyser_documents.h"

#include <gtest/gtest.h>

#include <numeric>

namespace tollgate::pipeline {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::vector<Batch> batched(const std::vector<std::string>& texts, const DocumentLimits& limits) {
  std::vector<std::size_t> all(texts.size());
  std::iota(all.begin(), all.end(), 0U);
  return batches(texts, all, limits);
}

// Where `wanted` stands in the documents, found again in the text of that index.
std::vector<std::string> found_again(const std::vector<std::string>& texts, const std::vector<Batch>& batches,
                                     std::string_view wanted) {
  std::vector<std::vector<pii::Finding>> found(texts.size());
  for (const Batch& batch : batches) {
    for (std::size_t i = 0; i < batch.documents.size(); ++i) {
      std::vector<pii::Finding> here;
      for (auto at = batch.documents[i].find(wanted); at != std::string::npos;
           at = batch.documents[i].find(wanted, at + 1))
        here.push_back({.start = at, .end = at + wanted.size(), .score = 1});
      share_out(batch.parts[i], here, found);
    }
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (const pii::Finding& finding : united(found[i]))
      out.push_back(std::to_string(i) + ":" + std::to_string(finding.start) + ":" +
                    texts[i].substr(finding.start, finding.end - finding.start));
  return out;
}

TEST(AnalyserDocuments, ShortTextsGoTogetherAndBlankOnesNowhere) {
  const std::vector<std::string> texts = {"Anna", "", " \n\t", "\xC2\xA0\xE3\x80\x80\xE2\x80\x8B", "Müller"};
  const auto made = batched(texts, {});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].documents, Documents{"Anna\n\nMüller"});
  ASSERT_EQ(made[0].parts[0].size(), 2U);
  EXPECT_EQ(made[0].parts[0][1].index, 4U);
  EXPECT_TRUE(made[0].parts[0][0].last && made[0].parts[0][1].last);
  EXPECT_EQ(found_again(texts, made, "Müller"), std::vector<std::string>{"4:0:Müller"});
  EXPECT_TRUE(batched({"", " "}, {}).empty());
}

TEST(AnalyserDocuments, OnlyTheTextsThatAreNamedGoOut) {
  const auto made = batches({"one", "two", "three"}, {0, 2}, {});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].documents, Documents{"one\n\nthree"});
}

TEST(AnalyserDocuments, EachLimitOpensANewDocumentAndThenANewRequest) {
  const DocumentLimits limits{.bytes = 4'000, .code_points = 1'100, .documents = 2};
  const std::vector<std::string> texts(5, repeated("é", 1'000));
  const auto made = batched(texts, limits);
  ASSERT_EQ(made.size(), 3U);
  EXPECT_EQ(made[0].documents.size(), 2U);
  EXPECT_EQ(made[2].documents.size(), 1U);
  EXPECT_EQ(batched(texts, {.bytes = 4'010, .documents = 2}).size(), 2U) << "two texts and what is between them";
  const auto halves = batched(std::vector<std::string>(2, repeated("é", 550)), limits);
  EXPECT_EQ(halves[0].documents.size(), 2U) << "what would stand between them counts";
}

TEST(AnalyserDocuments, ALongTextIsCutAtItsBestBorder) {
  const DocumentLimits limits{.bytes = 1'200};
  const auto first = [&](const std::string& text) { return batched({text}, limits)[0].documents[0]; };
  const std::string words = repeated("word ", 150);
  EXPECT_TRUE(first(words + "end.\n\n" + repeated("more. Of\nit ", 100)).ends_with("end.\n\n"));
  EXPECT_TRUE(first(words + "end\n" + repeated("more. Of it ", 100)).ends_with("end\n"));
  EXPECT_TRUE(first(words + "Zoë asks. " + repeated("more ", 100)).ends_with("asks. "));
  EXPECT_TRUE(first(repeated("word ", 1'000)).ends_with("word "));
  EXPECT_EQ(first(repeated("漢", 1'000)), repeated("漢", 399)) << "nowhere but between characters";
}

TEST(AnalyserDocuments, ANameAtABorderIsWholeInOneOfThePieces) {
  const DocumentLimits limits{.bytes = 1'200, .documents = 5};
  for (const std::string_view filler : {"word ", "漢", "e\xCC\x81", "💚"}) {
    for (std::size_t before = 150; before < 420; before += 3) {
      const std::vector<std::string> texts = {repeated(filler, before) + "Anna Müller" + repeated(filler, 600)};
      const auto made = batched(texts, limits);
      EXPECT_EQ(found_again(texts, made, "Anna Müller"),
                std::vector<std::string>{"0:" + std::to_string(filler.size() * before) + ":Anna Müller"});
    }
  }
}

TEST(AnalyserDocuments, OnlyTheLastPieceEndsAText) {
  const auto made = batched({repeated("word ", 2'000), "Anna"}, {.bytes = 1'200, .documents = 3});
  std::vector<Part> parts;
  for (const Batch& batch : made)
    for (const auto& of_document : batch.parts) parts.insert(parts.end(), of_document.begin(), of_document.end());
  ASSERT_GT(parts.size(), 8U);
  for (const Part& part : parts)
    EXPECT_EQ(part.last, part.index == 1 || part.from + part.length == 10'000U) << part.from;
}

TEST(AnalyserDocuments, AFindingOverTwoTextsIsOneOfEach) {
  const std::vector<std::string> texts = {"Anna", "Müller"};
  EXPECT_EQ(found_again(texts, batched(texts, {}), "a\n\nMü"), (std::vector<std::string>{"0:3:a", "1:0:Mü"}));
}

TEST(AnalyserDocuments, HalvesOfOneFindingBecomeOne) {
  const std::vector<pii::Finding> halves = {{.start = 5, .end = 11, .score = 0.9},
                                            {.start = 0, .end = 7, .score = 0.6},
                                            {.start = 11, .end = 13, .score = 0.7},
                                            {.type = pii::EntityType::custom, .start = 6, .end = 8, .score = 1}};
  const auto whole = united(halves);
  ASSERT_EQ(whole.size(), 3U);
  EXPECT_EQ(whole[0].start, 0U);
  EXPECT_EQ(whole[0].end, 11U);
  EXPECT_EQ(whole[0].score, 0.9);
  EXPECT_EQ(whole[1].start, 11U) << "beside is not over";
}

}  // namespace
}  // namespace tollgate::pipeline
