#pragma once
// Private to providers/identity: keys from AWS.
#include <vector>

#include "providers/identity/aws_profile.h"
#include "providers/identity/fetcher.h"

namespace tollgate::providers {

// Follows the configured source, then assumes the configured role. `identity` outlives the fetch.
net::Task<Result<Credential>> aws_keys(const AwsIdentity& identity, Fetcher& fetcher);

// What AwsDefault stands for, given the environment and the shared files: the first source that is there.
Result<AwsPlan> default_aws_plan(const Environment& environment, const AwsFiles& files, std::string_view profile);

// The answer of the container and instance services. Errors: upstream_error, which quotes nothing.
Result<Credential> parse_aws_metadata(std::string_view json);

}  // namespace tollgate::providers
