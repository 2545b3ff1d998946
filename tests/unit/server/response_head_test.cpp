#include "gateway/server/response_head.h"

#include <gtest/gtest.h>

namespace tollgate::server {
namespace {

const Uuid kId = *Uuid::parse("0192f0c1-2345-7678-9abc-def012345678");

TEST(HeaderLines, KeepTheirOrder) {
  HeaderLines lines;
  lines.add("retry-after", 7).add("x-tollgate-provider", "azure-eu");
  EXPECT_EQ(lines.text(), "retry-after: 7\r\nx-tollgate-provider: azure-eu\r\n");
  EXPECT_FALSE(lines.typed());
}

TEST(HeaderLines, AValueCannotEndItsLine) {
  HeaderLines lines;
  lines.add("x-tollgate-lossy", std::string_view("a\r\nset-cookie: b\0c\x7f\td", 21));
  EXPECT_EQ(lines.text(), "x-tollgate-lossy: a__set-cookie: b_c_\td\r\n");
}

TEST(ResponseHead, SaysTheRequestIdAndForbidsKeeping) {
  const auto head = plain_head(200, kId, {}, 12, Connected::keep);
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\r\n"
            "x-request-id: 0192f0c1-2345-7678-9abc-def012345678\r\n"
            "cache-control: no-store\r\n"
            "x-content-type-options: nosniff\r\n"
            "content-type: application/json\r\n"
            "content-length: 12\r\n\r\n");
}

TEST(ResponseHead, ATypeThatWasGivenStandsAlone) {
  HeaderLines lines;
  lines.add("content-type", "text/plain");
  const auto head = plain_head(200, kId, lines, 3, Connected::close);
  EXPECT_EQ(head.find("application/json"), std::string::npos);
  EXPECT_NE(head.find("content-type: text/plain\r\nconnection: close\r\ncontent-length: 3\r\n\r\n"), std::string::npos);
}

TEST(ResponseHead, AStreamIsChunkedOnlyForClientsThatReadChunks) {
  const auto chunked = stream_head(200, kId, {}, Connected::keep, Delimited::by_chunks);
  EXPECT_NE(chunked.find("\r\ntransfer-encoding: chunked\r\n\r\n"), std::string::npos);
  const auto plain = stream_head(200, kId, {}, Connected::close, Delimited::by_close);
  EXPECT_EQ(plain.find("transfer-encoding"), std::string::npos);
  EXPECT_TRUE(plain.ends_with("\r\nconnection: close\r\n\r\n")) << plain;
}

TEST(ResponseHead, AnEmptyBodyHasNoType) {
  EXPECT_EQ(plain_head(204, kId, {}, 0, Connected::keep).find("content-type:"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::server
