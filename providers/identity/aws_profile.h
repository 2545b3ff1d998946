#pragma once
// Private to providers/identity: AWS's shared files, ~/.aws/credentials and ~/.aws/config.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#include <string>
#include <string_view>
#include <vector>

#include "providers/identity/options.h"

namespace tollgate::providers {

// The texts of the two files; empty where there is none.
struct AwsFiles {
  Secret credentials;
  Secret config;
};

// Where credentials come from first, and the roles then assumed, in order.
struct AwsPlan {
  AwsSource source;
  std::vector<AwsRole> roles;
};

// What a profile asks for, its `source_profile` followed. Keys of the credentials file win over those of the config
// file. Limits: files of 256 KiB, lines of 8 KiB, chains of 5 profiles.
// Errors: upstream_error; names the profile, and quotes nothing else of the files.
Result<AwsPlan> plan_of_profile(const AwsFiles& files, std::string_view name);

// Either file has a section for that profile.
bool has_profile(const AwsFiles& files, std::string_view name);

}  // namespace tollgate::providers
