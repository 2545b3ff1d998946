#pragma once
// Regions of Amazon Web Services, their endpoints and domains. Pure.
#include <string>
#include <string_view>

namespace tollgate::providers {

// The domain of a region's endpoints: amazonaws.com, and those of the partitions apart from it (China, the European
// sovereign cloud, the isolated ones). https://docs.aws.amazon.com/general/latest/gr/rande.html
std::string_view aws_domain(std::string_view region);

// The region that a Bedrock host names: bedrock-runtime.REGION.amazonaws.com, its FIPS, dual-stack, VPC and sovereign
// forms, bedrock-mantle.REGION.api.aws, and those of SageMaker's runtime and of Comprehend. Empty when the host is none
// of these. Lower case, as parse_endpoint() gives.
std::string_view aws_region_of(std::string_view host);

}  // namespace tollgate::providers
