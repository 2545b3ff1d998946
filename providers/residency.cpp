#include "providers/residency.h"

namespace tollgate::providers {
namespace {

// The profile's name, where an ARN leads to it.
std::string_view profile(std::string_view model) {
  const auto slash = model.rfind('/');
  return slash == std::string_view::npos ? model : model.substr(slash + 1);
}

bool within(std::string_view path, std::string_view segment) { return path.find(segment) != std::string_view::npos; }

}  // namespace

std::string works_anywhere(const ProviderOptions& provider, std::string_view model) {
  if (provider.kind == "bedrock" && profile(model).starts_with("global."))
    return "the inference profile '" + std::string(profile(model)) + "' routes to any region";
  const bool google = provider.kind == "vertex" || provider.kind == "openai_compatible";
  if (!google || !provider.endpoint) return {};
  if (provider.endpoint->host == "generativelanguage.googleapis.com") return "the Gemini API has no regions";
  const std::string base = provider.endpoint->base_path + "/";
  if (within(base, "/locations/global/")) return "the endpoint's location is 'global'";
  const bool no_location = provider.kind == "vertex" && provider.endpoint->host == "aiplatform.googleapis.com" &&
                           !within(base, "/locations/");
  return no_location ? "the endpoint names no location" : "";
}

}  // namespace tollgate::providers
