#include "local_backend/wire.h"

#include <gtest/gtest.h>

namespace tollgate::local_backend::wire {
namespace {

GenerateRequest request() {
  GenerateRequest out;
  out.messages = {{"system", "Be brief."}, {"user", std::string("a\0b", 3)}};
  out.sampling.temperature = 0.25;
  out.sampling.seed = 0xFFFFFFFFFFFFFFFF;
  out.sampling.seeded = true;
  out.sampling.stop = {"\n", ""};
  out.sampling.stop_token_ids = {-1, 7};
  out.sampling.logit_bias = {{3, -100.0}, {4, 0.5}};
  out.sampling.n = 3;
  out.format = {OutputFormat::Kind::json_schema, "{}"};
  out.department = "treasury";
  out.messages.push_back({"assistant", "", {{"c1", "book", R"({"to":"x"})"}}});
  out.messages.push_back({.role = "tool", .content = "done", .tool_call_id = "c1"});
  out.tools = {{"book", "Books.", R"({"type":"object"})"}};
  out.tool_choice = {ToolChoice::Mode::function, "book"};
  out.parallel_tool_calls = false;
  return out;
}

TEST(Wire, ARequestComesOutAsItWentIn) {
  const auto back = from_bytes<GenerateRequest>(to_bytes(request()));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_bytes(*back), to_bytes(request()));
  EXPECT_EQ(back->messages[1].content, std::string("a\0b", 3));
  EXPECT_EQ(back->sampling.seed, 0xFFFFFFFFFFFFFFFF);
  EXPECT_EQ(back->sampling.logit_bias, (std::vector<std::pair<int, double>>{{3, -100.0}, {4, 0.5}}));
  EXPECT_EQ(back->sampling.stop_token_ids, (std::vector<int>{-1, 7}));
  EXPECT_EQ(back->format.kind, OutputFormat::Kind::json_schema);
  EXPECT_EQ(back->messages[2].tool_calls.at(0).arguments, R"({"to":"x"})");
  EXPECT_EQ(back->messages[3].tool_call_id, "c1");
  EXPECT_EQ(back->tools.at(0).name, "book");
  EXPECT_EQ(back->tool_choice.function, "book");
  EXPECT_FALSE(back->parallel_tool_calls);
}

TEST(Wire, AnEventComesOutAsItWentIn) {
  GenerateEvent event;
  event.kind = GenerateEvent::Kind::failed;
  event.failure = FailureKind::overloaded;
  event.retry_after_ms = 250;
  event.logprobs = {{{"x", -0.5}, {{"x", -0.5}, {"y", -1.0}}}};
  const auto back = from_bytes<GenerateEvent>(to_bytes(event));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->failure, FailureKind::overloaded);
  EXPECT_EQ(back->retry_after_ms, 250);
  ASSERT_EQ(back->logprobs.size(), 1U);
  EXPECT_EQ(back->logprobs[0].top[1].bytes, "y");
}

TEST(Wire, WhatIsCutOrTooLongIsNoValue) {
  const std::string whole = to_bytes(request());
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(from_bytes<GenerateRequest>(std::string_view(whole).substr(0, length))) << length;
  EXPECT_FALSE(from_bytes<GenerateRequest>(whole + "x"));
}

TEST(Wire, AnEnumeratorThatDoesNotExistIsNoValue) {
  std::string bytes = to_bytes(GenerateEvent{});
  bytes[0] = 5;
  EXPECT_FALSE(from_bytes<GenerateEvent>(bytes));
}

TEST(Wire, ACountOfMoreThanThereIsAllocatesNothing) {
  std::string bytes = to_bytes(GenerateRequest{});
  std::fill_n(bytes.begin(), 8, '\xFF');
  EXPECT_FALSE(from_bytes<GenerateRequest>(bytes));
}

TEST(Wire, FramesAreTheSameHoweverTheirBytesAreCut) {
  std::string stream = to_bytes(Frame{Frame::Kind::event, 5, "abc"}) + to_bytes(Frame{Frame::Kind::cancel, 6, ""}) +
                       to_bytes(Frame{Frame::Kind::stats, 0, std::string(100, 'x')});
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.add(std::string_view(stream).substr(at, piece));
      while (auto frame = reader.next()) frames.push_back(*std::move(frame));
    }
    ASSERT_EQ(frames.size(), 3U) << piece;
    EXPECT_EQ(frames[0].payload, "abc");
    EXPECT_EQ(frames[1].id, 6U);
    EXPECT_EQ(frames[2].payload.size(), 100U);
  }
}

TEST(Wire, AFrameOfNoKindOrOfTooMuchBreaksTheReader) {
  for (const Frame& frame : {Frame{static_cast<Frame::Kind>(0), 0, ""}, Frame{static_cast<Frame::Kind>(9), 0, ""}}) {
    FrameReader reader;
    reader.add(to_bytes(frame));
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.broken());
  }
  std::string large = to_bytes(Frame{Frame::Kind::event, 0, ""});
  large[20] = 1;  // 2^32 bytes
  FrameReader reader;
  reader.add(large);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.broken());
}

}  // namespace
}  // namespace tollgate::local_backend::wire
