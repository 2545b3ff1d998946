#include "providers/identity/aws_profile.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "providers/identity/credential.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxFile = 256 * 1024;
constexpr std::size_t kMaxLine = 8 * 1024;
constexpr std::size_t kMaxChain = 5;

using Section = std::map<std::string_view, std::string_view, std::less<>>;

Error refused(std::string_view profile, std::string_view why) {
  return no_credential("the AWS profile \"" + std::string(profile) + "\" " + std::string(why));
}

// "[default]", "[x]" in the credentials file, "[profile x]" in the config file. Empty: another kind of section.
std::string_view section_name(std::string_view line, bool config) {
  const auto close = line.find(']');
  if (close == std::string_view::npos) return {};
  const auto inside = strip(line.substr(1, close - 1));
  constexpr std::string_view kProfile = "profile";
  const bool prefixed = inside.starts_with(kProfile) && inside.size() > kProfile.size() &&
                        (inside[kProfile.size()] == ' ' || inside[kProfile.size()] == '\t');
  if (!config) return inside;
  if (prefixed) return strip(inside.substr(kProfile.size()));
  return inside == "default" ? inside : std::string_view();
}

// A comment may follow a value after white space.
std::string_view without_comment(std::string_view value) {
  for (std::size_t at = 1; at < value.size(); ++at) {
    const bool marks = value[at] == '#' || value[at] == ';';
    if (marks && (value[at - 1] == ' ' || value[at - 1] == '\t')) return strip(value.substr(0, at));
  }
  return value;
}

// Adds what the file says about the profile; what is there already stays. False: nothing was said, or the file is no
// such file.
bool read_section(std::string_view file, bool config, std::string_view profile, Section& into) {
  if (file.size() > kMaxFile) return false;
  bool inside = false;
  bool found = false;
  while (!file.empty()) {
    const auto end = std::min(file.find('\n'), file.size());
    const auto raw = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    const auto line = strip(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';' || line.size() > kMaxLine) continue;
    if (line.front() == '[') {
      inside = section_name(line, config) == profile;
      found = found || inside;
      continue;
    }
    const bool nested = raw.front() == ' ' || raw.front() == '\t';  // of a setting such as "s3 ="
    const auto equals = line.find('=');
    if (!inside || nested || equals == std::string_view::npos) continue;
    into.try_emplace(strip(line.substr(0, equals)), without_comment(strip(line.substr(equals + 1))));
  }
  return found;
}

std::optional<Section> find_profile(const AwsFiles& files, std::string_view name) {
  Section section;
  const bool in_credentials = read_section(files.credentials.reveal(), false, name, section);
  const bool in_config = read_section(files.config.reveal(), true, name, section);
  if (!in_credentials && !in_config) return std::nullopt;
  return section;
}

std::string_view get(const Section& section, std::string_view name) {
  const auto found = section.find(name);
  return found == section.end() ? std::string_view() : found->second;
}

std::optional<AwsStaticKeys> keys_of(const Section& section) {
  const auto id = get(section, "aws_access_key_id");
  const auto secret = get(section, "aws_secret_access_key");
  if (id.empty() || secret.empty()) return std::nullopt;
  AwsStaticKeys keys;
  keys.access_key_id = id;
  keys.secret_access_key = Secret(std::string(secret));
  keys.session_token = Secret(std::string(get(section, "aws_session_token")));
  return keys;
}

AwsRole role_of(const Section& section) {
  AwsRole role;
  role.role_arn = get(section, "role_arn");
  role.external_id = get(section, "external_id");
  if (const auto name = get(section, "role_session_name"); !name.empty()) role.session_name = name;
  std::int64_t seconds = 0;
  const auto duration = get(section, "duration_seconds");
  const auto [end, error] = std::from_chars(duration.data(), duration.data() + duration.size(), seconds);
  if (error == std::errc() && seconds >= 900 && seconds <= 43'200) role.duration = std::chrono::seconds(seconds);
  return role;
}

Result<AwsSource> named_source(std::string_view name, std::string_view profile) {
  if (name == "Environment") return AwsSource(AwsEnvironment{});
  if (name == "Ec2InstanceMetadata") return AwsSource(AwsInstance{});
  if (name == "EcsContainer") return AwsSource(AwsContainer{});
  return refused(profile, "has a credential_source that is not one of AWS's three");
}

// The source of a section that begins a chain: no `source_profile` leads on from it.
Result<AwsSource> first_source(const Section& section, std::string_view profile) {
  if (auto keys = keys_of(section)) return AwsSource(*std::move(keys));
  if (!get(section, "credential_process").empty() || !get(section, "sso_session").empty() ||
      !get(section, "sso_start_url").empty())
    return refused(profile, "wants credential_process or single sign-on, which a gateway does not do");
  return refused(profile, "has neither keys nor a role");
}

}  // namespace

bool has_profile(const AwsFiles& files, std::string_view name) { return find_profile(files, name).has_value(); }

Result<AwsPlan> plan_of_profile(const AwsFiles& files, std::string_view name) {
  AwsPlan plan;
  std::string_view current = name;
  bool own_source = false;  // the profile named itself as its source: what counts now are its keys
  for (std::size_t step = 0; step < kMaxChain; ++step) {
    const auto section = find_profile(files, current);
    if (!section) return refused(current, "is in neither of the shared files");
    if (get(*section, "role_arn").empty() || own_source) {
      TG_TRY(plan.source, first_source(*section, current));
      break;
    }
    const AwsRole role = role_of(*section);
    if (const auto file = get(*section, "web_identity_token_file"); !file.empty()) {
      plan.source = AwsWebIdentity{role.role_arn, role.session_name, std::string(file)};
      break;
    }
    plan.roles.push_back(role);
    if (const auto source = get(*section, "credential_source"); !source.empty()) {
      TG_TRY(plan.source, named_source(source, current));
      break;
    }
    const auto next = get(*section, "source_profile");
    if (next.empty()) return refused(current, "has a role but does not say with what to assume it");
    if (step + 1 == kMaxChain) return refused(name, "leads on through too many source profiles");
    own_source = next == current;
    current = next;
  }
  std::ranges::reverse(plan.roles);
  return plan;
}

}  // namespace tollgate::providers
