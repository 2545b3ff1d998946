#include "gateway/process/check/credential_words.h"

namespace tollgate::process {
namespace {

using namespace providers;  // the identities' own names

std::string of(const AwsDefault&) { return "what AWS's SDKs would find"; }
std::string of(const AwsStaticKeys& keys) { return "the access key " + keys.access_key_id; }
std::string of(const AwsEnvironment&) { return "AWS_ACCESS_KEY_ID and its companions"; }
std::string of(const AwsProfile& profile) {
  return "the AWS profile " + (profile.name.empty() ? std::string("of the environment") : profile.name);
}
std::string of(const AwsWebIdentity&) { return "the web identity's token file"; }
std::string of(const AwsContainer&) { return "the container's credential service"; }
std::string of(const AwsInstance&) { return "the instance's metadata service"; }

std::string of(const GoogleMetadata&) { return "Google's metadata service"; }
std::string of(const GoogleCredentials&) { return "the Google credentials file"; }

std::string of(const EntraManaged&) { return "the managed identity"; }
std::string of(const EntraAppService&) { return "the app service's managed identity"; }
std::string of(const EntraFederated&) { return "the workload identity's token file"; }
std::string of(const EntraSecret&) { return "the Entra client secret"; }

template <class Source>
std::string of_source(const Source& source) {
  return std::visit([](const auto& one) { return of(one); }, source);
}

std::string of(const NoIdentity&) { return {}; }
std::string of(const KeyIdentity&) { return "the key"; }
std::string of(const AwsIdentity& aws) {
  return of_source(aws.source) + (aws.assume_role ? ", with which a role is assumed" : "");
}
std::string of(const GoogleIdentity& google) { return of_source(google.source); }
std::string of(const EntraIdentity& entra) { return of_source(entra.source); }

}  // namespace

std::string credential_words(const IdentityOptions* identity) {
  if (identity == nullptr) return {};
  return std::visit([](const auto& one) { return of(one); }, *identity);
}

}  // namespace tollgate::process
