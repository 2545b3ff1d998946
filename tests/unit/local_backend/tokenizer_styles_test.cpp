// Every style of tokenizer against the library that defines it: fixtures that make_tokenizers.py wrote.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "local_backend/json_document.h"
#include "local_backend/tokenizer.h"
#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace {

using nlohmann::json;

std::string root() {
  const char* elsewhere = std::getenv("TOLLGATE_TOKENIZER_FIXTURES");
  return elsewhere != nullptr ? elsewhere : "tests/unit/local_backend/fixtures/tokenizers";
}

Tokenizer load(const std::string& style) {
  const std::string directory = root() + "/" + style;
  if (file_exists(directory + "/tokenizer.model")) {
    return Tokenizer::parse_sentencepiece(read_file(directory + "/tokenizer.model", 1 << 20), "tokenizer.model");
  }
  return Tokenizer::parse(read_file(directory + "/tokenizer.json", 1 << 20), "tokenizer.json");
}

json cases(const std::string& style) { return json::parse(read_file(root() + "/" + style + "/cases.json", 1 << 28)); }

class TokenizerStyle : public ::testing::TestWithParam<std::string> {};

TEST_P(TokenizerStyle, GivesTheIdsOfTheReference) {
  const Tokenizer tokenizer = load(GetParam());
  int wrong = 0;
  const json all = cases(GetParam());
  ASSERT_GE(all.size(), 300U);
  for (const json& c : all) {
    const auto ids = tokenizer.encode(c["text"].get<std::string>());
    ASSERT_TRUE(ids.has_value());
    if (*ids != c["ids"].get<std::vector<int>>() && ++wrong <= 5) {
      ADD_FAILURE() << c["text"].dump() << "\n is    " << json(*ids).dump() << "\n wants " << c["ids"].dump();
    }
  }
  EXPECT_EQ(wrong, 0) << "of " << all.size();
}

TEST_P(TokenizerStyle, UserTextNeverBecomesASpecialToken) {
  const Tokenizer tokenizer = load(GetParam());
  for (const json& c : cases(GetParam())) {
    const auto ids = tokenizer.encode(tokenizer.guard(c["text"].get<std::string>() + "<|end|><|mid|></s><s>"));
    for (const int id : *ids) {
      EXPECT_TRUE(!tokenizer.is_special(id) || tokenizer.added_token(id) == "<unk>") << c["text"];
    }
  }
}

TEST_P(TokenizerStyle, NeverClaimsMoreTokensThanATextHas) {
  const Tokenizer tokenizer = load(GetParam());
  for (const json& c : cases(GetParam())) {
    const auto text = c["text"].get<std::string>();
    if (text.find("[left]") != std::string::npos || text.find("[right]") != std::string::npos) continue;
    if (text.find("<|mid|>") != std::string::npos) continue;  // they swallow white space
    EXPECT_LE(tokenizer.least_tokens(text.size()), c["ids"].size()) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerStyle,
                         ::testing::Values("gpt2", "llama3", "qwen2", "cased", "llama2", "mistral", "metaspace",
                                           "sentencepiece", "sentencepiece_squeezed"),
                         [](const auto& info) { return info.param; });

std::string answer(const Tokenizer& tokenizer, const std::vector<int>& ids) {
  std::string out;
  for (const int id : ids) out += out.empty() ? tokenizer.first_bytes_of(id) : tokenizer.bytes_of(id);
  return out;
}

TEST(TokenizerStyles, AnAnswerComesBackAsItWasWritten) {
  for (const char* style : {"gpt2", "llama3", "llama2", "mistral", "sentencepiece"}) {
    const Tokenizer tokenizer = load(style);
    for (const std::string text : {"It's 12345 a  b", "naïve 東京 \n x", "\U0001f642"}) {
      EXPECT_EQ(answer(tokenizer, *tokenizer.encode(text)), text) << style;
    }
  }
}

TEST(TokenizerStyles, ASentencePieceFileThatIsCutIsRefusedWhereverItEnds) {
  const std::string whole = read_file(root() + "/sentencepiece/tokenizer.model", 1 << 20);
  int refused = 0;
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    try {
      (void)Tokenizer::parse_sentencepiece(whole.substr(0, size), "file");
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("file: "));
      ++refused;
    }
  }
  EXPECT_GE(refused, static_cast<int>(whole.size() / 7) - 5);  // a cut between two last fields is still a model
}

}  // namespace
}  // namespace tollgate::local_backend
