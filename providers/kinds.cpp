// The table of kinds.
#include "providers/kinds.h"

#include <algorithm>
#include <iterator>

namespace tollgate::providers {
namespace {

using Header = KeyIdentity::Header;

constexpr ProviderKind kKinds[] = {
    {.name = "openai_compatible", .openai = true, .aws = true, .google = true, .entra = true},
    {.name = "azure_openai",
     .openai = true,
     .entra = true,
     .key_header = Header::api_key,
     .endpoint = "The endpoint is https://RESOURCE.openai.azure.com; api_version must be one that exists (absent: the "
                 "v1 routes).",
     .model = "Targets name the deployment, not the model: check its name.",
     .right = "It needs the role Cognitive Services OpenAI User; the resource may also refuse our network."},
    {.name = "azure_ai",
     .openai = true,
     .entra = true,
     .key_header = Header::api_key,
     .endpoint = "The endpoint is https://RESOURCE.services.ai.azure.com (model inference) or "
                 "https://NAME.REGION.models.ai.azure.com (serverless); api_version must be one that exists.",
     .model = "Targets name the deployment, not the model: check its name.",
     .right = "It needs the role Cognitive Services User; the resource may also refuse our network."},
    {.name = "azure_ml",
     .openai = true,
     .entra = true,
     .entra_scope = "https://ml.azure.com/.default",
     .endpoint = "The endpoint is https://ENDPOINT.REGION.inference.ml.azure.com, with the container's own path before "
                 "/chat/completions (absent: /v1).",
     .right =
         "It needs the right to score (Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action)."},
    {.name = "tollgate_pool",
     .openai = true,
     .pool = true,
     .endpoint = "The endpoint is https://POOL:PORT/v1.",
     .model = "Targets name a model of the pool's own configuration: check its name there.",
     .right = "The secret has to stand under pool.replicas of the pool's configuration."},
    {.name = "anthropic",
     .entra = true,
     .key_header = Header::x_api_key,
     .endpoint = "The endpoint is https://api.anthropic.com/v1, or all that stands before /messages."},
    {.name = "bedrock",
     .aws = true,
     .endpoint = "The endpoint is https://bedrock-runtime.REGION.amazonaws.com.",
     .model = "Check the target's model, its spelling and region. Many models are called by an inference profile only "
              "(eu.…, us.…).",
     .right = "It needs bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream, and the account needs access "
              "to the model."},
    {.name = "sagemaker",
     .aws = true,
     .aws_service = "sagemaker",
     .endpoint = "The endpoint is https://runtime.sagemaker.REGION.amazonaws.com.",
     .model = "Targets name the SageMaker endpoint: check its name, its region and that it is in service.",
     .right = "It needs sagemaker:InvokeEndpoint and sagemaker:InvokeEndpointWithResponseStream."},
    {.name = "open_inference", .endpoint = "The endpoint is all that stands before /v2/models/."},
    {.name = "vertex",
     .google = true,
     .key_header = Header::x_goog_api_key,
     .endpoint = "The endpoint is all that stands before /models/ (config/README.md has the forms).",
     .right = "It needs roles/aiplatform.user, and the project the Vertex AI API."},
    {.name = "local"},
};

}  // namespace

std::span<const ProviderKind> provider_kinds() { return kKinds; }

const ProviderKind* provider_kind(std::string_view name) {
  const auto* const row =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const ProviderKind& kind) { return kind.name == name; });
  return row == std::end(kKinds) ? nullptr : row;
}

}  // namespace tollgate::providers
