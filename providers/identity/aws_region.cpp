#include "providers/identity/aws_region.h"

#include <algorithm>
#include <iterator>

namespace tollgate::providers {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view domain;
};

constexpr Partition kPartitions[] = {
    {"cn-", "amazonaws.com.cn"},   {"eusc-", "amazonaws.eu"},      {"us-iso-", "c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"},
};

constexpr std::string_view kServices[] = {"bedrock-runtime", "bedrock-runtime-fips", "bedrock-mantle", "comprehend",
                                          "comprehend-fips"};

// Names of endpoints that answer on IPv6 too.
constexpr std::string_view kDualStack[] = {"api.aws", "api.amazonwebservices.com.cn", "api.amazonwebservices.eu"};

template <std::size_t N>
bool is_one_of(const std::string_view (&list)[N], std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

// Up to the next dot, which is dropped from `rest`.
std::string_view take_label(std::string_view& rest) {
  const auto dot = std::min(rest.find('.'), rest.size());
  const auto label = rest.substr(0, dot);
  rest.remove_prefix(std::min(dot + 1, rest.size()));
  return label;
}

}  // namespace

std::string_view aws_domain(std::string_view region) {
  for (const auto& [prefix, domain] : kPartitions)
    if (region.starts_with(prefix)) return domain;
  return "amazonaws.com";
}

std::string_view aws_region_of(std::string_view host) {
  std::string_view rest = host;
  std::string_view label = take_label(rest);
  if (label.starts_with("vpce-")) label = take_label(rest);
  const bool sagemaker = (label == "runtime" || label == "runtime-fips") && rest.starts_with("sagemaker.");
  if (sagemaker) label = take_label(rest);
  if (!sagemaker && !is_one_of(kServices, label)) return {};
  const std::string_view region = take_label(rest);
  constexpr std::string_view kPrivate = "vpce.";
  if (rest.starts_with(kPrivate)) rest.remove_prefix(kPrivate.size());
  return rest == aws_domain(region) || is_one_of(kDualStack, rest) ? region : std::string_view();
}

}  // namespace tollgate::providers
