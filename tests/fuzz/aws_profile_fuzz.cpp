// Any two texts as the shared files: a plan of bounded length that has a source, or an error. Input: the two, cut at
// the first zero byte.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/identity/aws_profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate;
  using namespace tollgate::providers;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cut = std::min(text.find('\0'), text.size());
  AwsFiles files;
  files.credentials = Secret(std::string(text.substr(0, cut)));
  files.config = Secret(std::string(text.substr(std::min(cut + 1, text.size()))));
  for (const auto* name : {"default", "x"}) {
    const auto plan = plan_of_profile(files, name);
    if (!plan) continue;
    const bool known = has_profile(files, name);
    const bool planned =
        std::holds_alternative<AwsDefault>(plan->source) || std::holds_alternative<AwsProfile>(plan->source);
    if (!known || planned || plan->roles.size() > 4) std::abort();
    const auto* keys = std::get_if<AwsStaticKeys>(&plan->source);
    if (keys != nullptr && (keys->access_key_id.empty() || keys->secret_access_key.empty())) std::abort();
    for (const auto& role : plan->roles)
      if (role.role_arn.empty()) std::abort();
  }
  return 0;
}
