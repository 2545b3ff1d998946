#include "providers/identity/aws_region.h"

#include <gtest/gtest.h>

namespace tollgate::providers {
namespace {

TEST(AwsRegion, StandsInTheNameOfTheEndpoint) {
  EXPECT_EQ(aws_region_of("bedrock-runtime.eu-central-1.amazonaws.com"), "eu-central-1");
  EXPECT_EQ(aws_region_of("bedrock-runtime-fips.us-gov-west-1.amazonaws.com"), "us-gov-west-1");
  EXPECT_EQ(aws_region_of("bedrock-runtime.us-east-1.api.aws"), "us-east-1");
  EXPECT_EQ(aws_region_of("runtime.sagemaker.eu-west-1.amazonaws.com"), "eu-west-1");
  EXPECT_EQ(aws_region_of("runtime-fips.sagemaker.us-east-1.amazonaws.com"), "us-east-1");
  EXPECT_EQ(aws_region_of("runtime.eu-west-1.amazonaws.com"), "");
  EXPECT_EQ(aws_region_of("bedrock-mantle.us-west-2.api.aws"), "us-west-2");
  EXPECT_EQ(aws_region_of("comprehend.eu-west-1.amazonaws.com"), "eu-west-1");
  EXPECT_EQ(aws_region_of("comprehend-fips.us-east-1.api.aws"), "us-east-1");
  EXPECT_EQ(aws_region_of("bedrock-runtime.cn-north-1.amazonaws.com.cn"), "cn-north-1");
  EXPECT_EQ(aws_region_of("bedrock-runtime.eusc-de-east-1.amazonaws.eu"), "eusc-de-east-1");
  EXPECT_EQ(aws_region_of("bedrock-runtime.us-iso-east-1.c2s.ic.gov"), "us-iso-east-1");
  EXPECT_EQ(aws_region_of("vpce-0a1b-2c3d.bedrock-runtime.eu-west-1.vpce.amazonaws.com"), "eu-west-1");
}

TEST(AwsRegion, IsNotGuessedFromOtherNames) {
  for (const char* host :
       {"", "bedrock-runtime", "bedrock-runtime.eu-west-1", "127.0.0.1", "localhost",
        "bedrock-runtime.eu-west-1.amazonaws.com.evil.example", "bedrock-runtime.cn-north-1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com", "evil.bedrock-runtime.eu-west-1.amazonaws.com"})
    EXPECT_EQ(aws_region_of(host), "") << host;
}

TEST(AwsRegion, EachPartitionHasItsDomain) {
  EXPECT_EQ(aws_domain("eu-west-1"), "amazonaws.com");
  EXPECT_EQ(aws_domain("us-gov-east-1"), "amazonaws.com");
  EXPECT_EQ(aws_domain("cn-northwest-1"), "amazonaws.com.cn");
  EXPECT_EQ(aws_domain("us-isob-east-1"), "sc2s.sgov.gov");
}

}  // namespace
}  // namespace tollgate::providers
