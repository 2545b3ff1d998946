// What the events of a streamed transcript decode to.
#include <gtest/gtest.h>

#include "providers/relay.h"

namespace tollgate::providers {
namespace {

Result<Batch> decode(std::string_view json) {
  const std::string frame = "data: " + std::string(json) + "\n\n";
  return decode_transcript_event(frame, json, 6);
}

TEST(TranscriptEvent, ARefusalInsideSaysWhichParameterIsWrong) {
  const auto batch = decode(
      R"({"error":{"type":"invalid_request_error","message":"Too long.","code":"audio_too_long","param":"file"}})");
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(batch.error().message, "Too long.");
  EXPECT_EQ(batch.error().param, "file");
}

TEST(TranscriptEvent, AnErrorThatIsNullIsNone) {
  const auto batch = decode(R"({"type":"transcript.text.delta","error":null,"delta":"Hi"})");
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->events.size(), 1U);
  EXPECT_EQ(batch->events[0].text, "Hi");
}

}  // namespace
}  // namespace tollgate::providers
