// The framing of Server-Sent Events (WHATWG HTML §9.2).
#include "providers/sse.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace tollgate::providers {
namespace {

struct Seen {
  std::string raw;
  std::string data;
  std::size_t data_offset;
  friend bool operator==(const Seen&, const Seen&) = default;
};

void take_all(SseParser& parser, std::vector<Seen>& out, bool at_end = false) {
  while (true) {
    const auto frame = at_end ? parser.last() : parser.next();
    ASSERT_TRUE(frame);
    if (!*frame) return;
    out.push_back({std::string((*frame)->raw), std::string((*frame)->data), (*frame)->data_offset});
  }
}

std::vector<Seen> parse(std::initializer_list<std::string_view> parts) {
  SseParser parser(1 << 16);
  std::vector<Seen> out;
  for (const auto part : parts) {
    parser.input() += part;
    take_all(parser, out);
  }
  take_all(parser, out, true);
  return out;
}

std::vector<std::string> data_of(std::string_view wire) {
  std::vector<std::string> out;
  for (auto& seen : parse({wire})) out.push_back(std::move(seen.data));
  return out;
}

using Strings = std::vector<std::string>;

TEST(SseParser, GivesFramesWithTheirBytes) {
  EXPECT_EQ(parse({"data: {}\n\nevent: x\ndata:[DONE]\n\n"}),
            (std::vector<Seen>{{"data: {}\n\n", "{}", 6}, {"event: x\ndata:[DONE]\n\n", "[DONE]", 14}}));
}

TEST(SseParser, ReadsAllThreeLineEnds) {
  EXPECT_EQ(data_of("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\r\n"), (Strings{"a", "b", "c", "d"}));
}

TEST(SseParser, KeepsAFramesOwnLineEnds) {
  const auto seen = parse({"data: a\r\n\r\ndata: b\r\r"});
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].raw, "data: a\r\n\r\n");
  EXPECT_EQ(seen[1].raw, "data: b\r\r");
}

TEST(SseParser, DropsWhatHasNoData) {
  EXPECT_EQ(data_of(": ping\n\n\n\nevent: x\n\ndata\n\ndata:\n\nid: 3\ndata: y\n\n"), (Strings{"y"}));
}

TEST(SseParser, IgnoresOtherFieldsAndKeepsThemInTheFrame) {
  const auto seen = parse({"id: 1\ndatabase: no\n: c\ndata: yes\nretry: 5\n\n"});
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].data, "yes");
  EXPECT_EQ(seen[0].raw, "id: 1\ndatabase: no\n: c\ndata: yes\nretry: 5\n\n");
}

TEST(SseParser, JoinsSeveralDataLines) {
  const auto seen = parse({"data: {\ndata:\ndata: \"a\":1}\n\n"});
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].data, "{\n\n\"a\":1}");
  EXPECT_EQ(seen[0].data_offset, SseFrame::kNoOffset);
}

TEST(SseParser, DropsOneSpaceAndOneByteOrderMark) {
  EXPECT_EQ(data_of("\xEF\xBB\xBF"
                    "data:  a\n\n"),
            (Strings{" a"}));
  EXPECT_EQ(data_of("\xEF\xBB\xBF\xEF\xBB\xBF"
                    "data: a\n\ndata: b\n\n"),
            (Strings{"b"}));
}

TEST(SseParser, DiscardsAnEventWithoutItsEmptyLine) {
  EXPECT_EQ(data_of("data: a\n\ndata: cut"), (Strings{"a"}));
  EXPECT_EQ(data_of("data: a\n\ndata: cut\n"), (Strings{"a"}));
  EXPECT_EQ(data_of(""), Strings{});
}

TEST(SseParser, DoesNotHoldAnEventBackWhereLinesEndInCr) {
  SseParser parser(1 << 16);
  parser.input() += "data: a\r\r";
  const auto frame = parser.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->data, "a");
}

TEST(SseParser, GivesTheSameFramesWhereverTheBytesAreCut) {
  const std::string wire =
      "\xEF\xBB\xBF"
      "data: {\"a\":\"\xF0\x9F\x98\x80\"}\r\n\r\n\r\nevent: e\rdata: [DONE]\r\r: c\n\ndata:x\n\r\n"
      "data: m\r\ndata: n\r\n\r\ndata: y\r\r\ndata: z\n\n";
  const auto whole = parse({wire});
  ASSERT_EQ(whole.size(), 6u);
  const std::string_view view(wire);
  for (std::size_t i = 0; i <= wire.size(); ++i)
    for (std::size_t j = i; j <= wire.size(); ++j)
      ASSERT_EQ(parse({view.substr(0, i), view.substr(i, j - i), view.substr(j)}), whole) << i << "," << j;
}

TEST(SseParser, GivesTheSameFramesByteByByte) {
  const std::string wire = "data: one\r\n\r\n: c\r\n\r\ndata: two\ndata: three\n\n";
  SseParser parser(1 << 16);
  std::vector<Seen> out;
  for (const char c : wire) {
    parser.input() += c;
    take_all(parser, out);
  }
  EXPECT_EQ(out, parse({wire}));
}

bool refused(std::size_t max, std::string_view wire) {
  SseParser parser(max);
  parser.input() += wire;
  while (true) {
    const auto frame = parser.next();
    if (!frame) return true;
    if (!*frame) return false;
  }
}

TEST(SseParser, RefusesAFrameOverTheBound) {
  EXPECT_FALSE(refused(10, "data: 67\n\ndata: 67\n\n"));
  EXPECT_TRUE(refused(10, "data: 678\n\n"));
  EXPECT_TRUE(refused(10, "data: 67890"));
  EXPECT_TRUE(refused(10, "a\nb\nc\nd\ne\nf\n"));
}

TEST(SseParser, TakesTimeLinearInTheBytes) {
  const auto begin = std::chrono::steady_clock::now();
  SseParser parser(64 << 20);
  std::vector<Seen> out;
  parser.input() += "data: ";
  for (int i = 0; i < 100'000; ++i) {  // one long line in small pieces
    parser.input() += "0123456789";
    take_all(parser, out);
  }
  std::string lines;
  for (int i = 0; i < 500'000; ++i) lines += "x\r";  // CR only, no LF in sight
  parser.input() += "\n" + lines + "\r\n\n";
  take_all(parser, out);
  EXPECT_EQ(out.size(), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace tollgate::providers
