#pragma once
// How the gateway proves itself to one provider, as configured. Plain values; immutable once built and shared by all
// workers. check_identity() says what is wrong with one before anything is sent.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::providers {

// A server that asks for nothing.
struct NoIdentity {};

// A fixed key in a header. Empty: as NoIdentity.
struct KeyIdentity {
  enum class Header : std::uint8_t {
    bearer,          // Authorization: Bearer <key>   OpenAI and compatible servers, API keys of Amazon Bedrock
    api_key,         // api-key: <key>                Azure OpenAI
    x_api_key,       // x-api-key: <key>              Anthropic
    x_goog_api_key,  // x-goog-api-key: <key>         Google
    ocp_apim_key,    // ocp-apim-subscription-key: <key>   Azure AI Language
  };
  Header header = Header::bearer;
  Secret key;
};

// --- Amazon Web Services: requests are signed with Signature Version 4 ---

struct AwsStaticKeys {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // temporary keys only
};

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
struct AwsEnvironment {};

// A section of the shared files. It may hold keys, or name a role with `source_profile`, `credential_source` or
// `web_identity_token_file`. Single sign-on and `credential_process` are not supported.
struct AwsProfile {
  std::string name;              // empty: AWS_PROFILE, then "default"
  std::string credentials_file;  // empty: AWS_SHARED_CREDENTIALS_FILE, then ~/.aws/credentials
  std::string config_file;       // empty: AWS_CONFIG_FILE, then ~/.aws/config
};

// A token that the platform writes into a file (EKS: IAM roles for service accounts), read anew at each renewal.
struct AwsWebIdentity {
  std::string role_arn;      // empty: AWS_ROLE_ARN
  std::string session_name;  // empty: AWS_ROLE_SESSION_NAME, then "tollgate"
  std::string token_file;    // empty: AWS_WEB_IDENTITY_TOKEN_FILE
};

// ECS tasks and EKS Pod Identity.
struct AwsContainer {
  std::string url;         // empty: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI at 169.254.170.2, or ..._FULL_URI
  std::string token_file;  // empty: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, then ..._TOKEN itself
};

// EC2 instance metadata, version 2 only.
struct AwsInstance {
  std::string url;  // empty: AWS_EC2_METADATA_SERVICE_ENDPOINT, then http://169.254.169.254
};

// What the vendor's SDKs look for, in their order: environment keys, web identity, profile, container, instance. The
// first that is there is used; if it fails, the next is not tried.
struct AwsDefault {};

using AwsSource =
    std::variant<AwsDefault, AwsStaticKeys, AwsEnvironment, AwsProfile, AwsWebIdentity, AwsContainer, AwsInstance>;

// AssumeRole with the keys of the source.
struct AwsRole {
  std::string role_arn;
  std::string session_name = "tollgate";
  std::string external_id;               // empty: none
  std::chrono::seconds duration{3'600};  // 15 min to 12 h; AWS caps it at 1 h for roles assumed by roles
};

struct AwsIdentity {
  std::string region;               // for the signature, and for STS
  std::string service = "bedrock";  // the signing name: bedrock, bedrock-mantle, sagemaker, comprehend
  AwsSource source;
  std::optional<AwsRole> assume_role;
  std::string sts_url;  // empty: https://sts.<region>.amazonaws.com
};

// --- Google Cloud: OAuth access tokens ---

// The content of a credentials file: "service_account" (a signed assertion is exchanged for a token),
// "external_account" (workload identity federation with a file or URL source, optionally impersonating a service
// account), or "authorized_user" (a developer's own).
struct GoogleCredentials {
  Secret json;
};

// The metadata service of Compute Engine, GKE and Cloud Run.
struct GoogleMetadata {
  std::string url;                  // empty: GCE_METADATA_HOST, then http://metadata.google.internal
  std::string account = "default";  // or a service account's e-mail address
};

using GoogleSource = std::variant<GoogleMetadata, GoogleCredentials>;

struct GoogleIdentity {
  GoogleSource source;
  std::string scope = "https://www.googleapis.com/auth/cloud-platform";
  std::string quota_project;  // sent as x-goog-user-project; empty: not sent
};

// --- Microsoft Entra: OAuth access tokens ---

struct EntraSecret {
  Secret client_secret;
};

// A token that the platform writes into a file (AKS workload identity), read anew at each renewal.
struct EntraFederated {
  std::string token_file;  // empty: AZURE_FEDERATED_TOKEN_FILE
};

// The metadata service of a virtual machine or AKS node. At most one of the two, and `client_id`, may be given: they
// choose among user-assigned identities.
struct EntraManaged {
  std::string object_id;
  std::string resource_id;  // the identity's Azure resource id
  std::string url;          // empty: AZURE_POD_IDENTITY_AUTHORITY_HOST, then http://169.254.169.254
};

// Managed identity in App Service, Functions and Container Apps: IDENTITY_ENDPOINT and IDENTITY_HEADER.
struct EntraAppService {};

using EntraSource = std::variant<EntraManaged, EntraAppService, EntraFederated, EntraSecret>;

struct EntraIdentity {
  std::string tenant;     // id or domain; empty: AZURE_TENANT_ID. Not used by the managed forms
  std::string client_id;  // empty: AZURE_CLIENT_ID, for EntraFederated only
  EntraSource source;
  // Which one an endpoint wants is documented by Microsoft and differs: https://ai.azure.com/.default for the v1
  // routes, https://ml.azure.com/.default for Azure ML, .azure.us and .azure.cn for the sovereign clouds.
  std::string scope = "https://cognitiveservices.azure.com/.default";
  std::string authority;  // empty: AZURE_AUTHORITY_HOST, then https://login.microsoftonline.com
};

using IdentityOptions = std::variant<NoIdentity, KeyIdentity, AwsIdentity, GoogleIdentity, EntraIdentity>;

// What can be judged without asking anyone: missing values, malformed URLs and regions, unreadable keys. The message is
// for the operator and names no secret; `param` is the member at fault, such as "assume_role.duration".
Status check_identity(const IdentityOptions& options);

}  // namespace tollgate::providers
