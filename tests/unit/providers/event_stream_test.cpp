// The framing of AWS event streams. The hexadecimal messages were made by other software (Python's struct and
// binascii).
#include "providers/event_stream.h"

#include <gtest/gtest.h>

#include "tests/unit/providers/event_frames.h"

namespace tollgate::providers {
namespace {

using testing::big_endian;
using testing::event_message;
using testing::message;
using testing::slow_crc32;
using testing::text_header;

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

const std::string kEmpty = from_hex("000000100000000005c248eb7d98c8ff");
const std::string kPayload = from_hex("0000001500000000cd22c79b68656c6c6f570c3496");
const std::string kEveryType = from_hex(
    "0000007b00000069df4ed74b0379657300026e6f0102693802850369313603010203693332040000000703693634050000000000000000"
    "037261770600036162630b3a6576656e742d747970650700056368756e6b02617408000000000000000002696409010101010101010101"
    "010101010101017b7da3677667");

std::string parse(std::string_view wire, std::size_t piece = 1 << 20) {
  EventStreamParser parser;
  std::string out;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    parser.input() += wire.substr(at, piece);
    while (true) {
      const auto next = parser.next();
      if (!next) return out + "!" + next.error().code;
      if (!*next) break;
      out += "[" + std::string((*next)->event_type) + "|" + std::string((*next)->payload) + "]";
    }
  }
  return out + (parser.at_boundary() ? "" : "...");
}

TEST(Crc32, GivesTheStandardsCheckValue) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc32("any other text"), slow_crc32("any other text"));
}

TEST(EventStream, ReadsMessagesOfOtherSoftware) {
  EXPECT_EQ(parse(kEmpty), "[|]");
  EXPECT_EQ(parse(kPayload), "[|hello]");
  EXPECT_EQ(parse(kEveryType), "[chunk|{}]");
  EXPECT_EQ(message("", "hello"), kPayload);
}

TEST(EventStream, IsTheSameWhereverItIsCut) {
  const std::string wire = kEveryType + event_message("a", "{\"x\":1}") + kEmpty + event_message("b", "");
  const std::string whole = parse(wire);
  EXPECT_EQ(whole, "[chunk|{}][a|{\"x\":1}][|][b|]");
  for (std::size_t piece = 1; piece < wire.size(); ++piece) EXPECT_EQ(parse(wire, piece), whole) << piece;
}

TEST(EventStream, KnowsWhetherAMessageIsUnderWay) {
  EXPECT_EQ(parse(""), "");
  EXPECT_EQ(parse(kEmpty + kPayload.substr(0, 5)), "[|]...");
  EXPECT_EQ(parse(kEmpty + kPayload.substr(0, 20)), "[|]...");
}

TEST(EventStream, EveryFlippedBitIsNoticed) {
  const std::string good = event_message("a", "{\"x\":1}");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_EQ(parse(bad + good), "!upstream_garbage") << i;
  }
}

TEST(EventStream, NothingFollowsAFault) {
  EventStreamParser parser;
  std::string bad = kPayload;
  bad.back() = '!';
  parser.input() += bad + kEmpty;
  EXPECT_FALSE(parser.next());
  EXPECT_FALSE(parser.next());
}

// Messages whose checksums are right and whose content is not.
TEST(EventStream, RefusesHeadersThatDoNotAddUp) {
  const auto refuses = [](const std::string& headers) {
    EXPECT_EQ(parse(message(headers, "")), "!upstream_garbage") << ::testing::PrintToString(headers);
  };
  refuses(text_header("same", "1") + text_header("same", "2"));
  refuses(text_header("", "1"));
  refuses("\x04name");                               // no type
  refuses(std::string("\x04name\x0a", 6));           // no such type
  refuses(std::string("\x04name\x07\x00\x09x", 9));  // longer than what is there
  refuses(std::string("\x09name\x00", 6));           // a name longer than what is there
  refuses(std::string("\x04name\x05\x00\x00", 8));   // an integer cut short
  std::string many;
  for (int i = 0; i < 65; ++i) many += text_header("h" + std::to_string(i), "");
  refuses(many);
}

std::string prelude(std::uint32_t total, std::uint32_t headers) {
  const std::string lengths = big_endian(total, 4) + big_endian(headers, 4);
  return lengths + big_endian(slow_crc32(lengths), 4);
}

TEST(EventStream, RefusesLengthsThatCannotBe) {
  EXPECT_EQ(parse(prelude(15, 0)), "!upstream_garbage");
  EXPECT_EQ(parse(prelude(20, 5)), "!upstream_garbage");
  EXPECT_EQ(parse(prelude(1 << 20, (128 << 10) + 1)), "!upstream_garbage");
  EXPECT_EQ(parse(prelude((16 << 20) + 1, 0)), "!upstream_body_too_long");
  EXPECT_EQ(parse(prelude(16 << 20, 0)), "...");
  EXPECT_EQ(parse(prelude(0xFFFFFFFF, 0)), "!upstream_body_too_long");
}

}  // namespace
}  // namespace tollgate::providers
