#include "pii/policy.h"

#include <algorithm>
#include <stdexcept>

#include "pii/custom.h"
#include "pii/pii.h"
#include "pii/word_list.h"

namespace tollgate::pii {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {
    "allow", "log_only", "mask", "pseudonymise", "hash", "redact", "route_local_only", "block"};
constexpr std::array<std::string_view, 3> kOpaqueNames = {"pass", "local_only", "refuse"};

// `b` is added to what has been decided so far.
void tighten(TypeRule& a, const TypeRule& b) {
  if (b.action == Action::mask && a.action == Action::mask) a.keep_last = std::min(a.keep_last, b.keep_last);
  if (b.action > a.action) a = b;
}

}  // namespace

std::string_view to_string(Action action) { return kActionNames[static_cast<std::size_t>(action)]; }
std::string_view to_string(OnOpaque what) { return kOpaqueNames[static_cast<std::size_t>(what)]; }

const TypeRule& PolicyOptions::rule_for(const Finding& finding) const {
  static const TypeRule kNotAsked{.action = Action::allow};
  if (finding.custom != 0) {
    const auto own = detectors == nullptr ? custom.end() : custom.find(detectors->name(finding.custom));
    return own == custom.end() ? kNotAsked : own->second;
  }
  const auto it = types.find(finding.type);
  return it == types.end() ? rule : it->second;
}

void Policies::add(const PolicyOptions* policy) {
  const auto* end = policies_.begin() + count_;
  if (policy == nullptr || std::find(policies_.cbegin(), end, policy) != end) return;
  if (count_ == kLevels) throw std::logic_error("more levels of policies than there are");
  policies_[count_++] = policy;
  add_countries(policy->countries);
  for (const std::string& name : policy->analysers)
    if (std::find(analysers_.begin(), analysers_.end(), name) == analysers_.end()) analysers_.push_back(name);
  if (policy->detectors == nullptr) return;
  detectors_ = policy->detectors.get();
  for (const auto& [name, rule] : policy->custom) {
    const std::uint8_t number = detectors_->number_of(name);
    if (number != 0 && std::find(custom_.begin(), custom_.end(), number) == custom_.end()) custom_.push_back(number);
  }
}

void Policies::add_countries(std::span<const std::string> countries) {
  if (!countries.empty()) types_ |= types_for(countries);
}

std::string_view Policies::name_of(const Finding& finding) const {
  return finding.custom == 0 ? to_string(finding.type) : std::string_view(detectors_->name(finding.custom));
}

std::string Policies::scan_scope() const {
  const TypeSet looked_for = types();
  std::string out((looked_for.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < looked_for.size(); ++i)
    if (looked_for[i]) out[i / 8] = static_cast<char>(out[i / 8] | 1 << i % 8);
  if (custom_.empty()) return out;
  out += std::to_string(detectors_->serial()) + ':';
  for (const std::uint8_t number : custom_) out.push_back(static_cast<char>(number));
  return out;
}

bool Policies::detect_custom(std::string_view text, std::vector<Finding>& out) const {
  const std::size_t before = out.size();
  for (const std::uint8_t number : custom_) detectors_->detect(number, text, out);
  return out.size() > before;
}

TypeRule Policies::decide(const Finding& finding, std::string_view value) const {
  std::string folded;
  TypeRule decided{.action = Action::allow};
  for (std::size_t i = 0; i < count_; ++i) {
    const TypeRule& rule = policies_[i]->rule_for(finding);
    if (finding.score < rule.threshold) continue;
    const auto& never = policies_[i]->never;
    if (!never.empty() && folded.empty()) folded = fold_words(value);
    if (!never.contains(folded)) tighten(decided, rule);
  }
  return decided;
}

bool Policies::restore() const {
  return std::all_of(policies_.begin(), policies_.begin() + count_, [](const auto* p) { return p->restore; });
}

PolicyOptions::OnError Policies::on_error() const {
  auto out = PolicyOptions::OnError::pass;
  for (std::size_t i = 0; i < count_; ++i) out = std::max(out, policies_[i]->on_error);
  return out;
}

OnOpaque Policies::on_opaque() const {
  auto out = OnOpaque::pass;
  for (std::size_t i = 0; i < count_; ++i) out = std::max(out, policies_[i]->on_opaque);
  return out;
}

std::string Policies::rule_pack() const { return count_ == 0 ? std::string() : policies_[0]->rule_pack; }

void Counts::add(std::string_view type, Action action) {
  const auto same = [&](const Entry& e) { return e.type == type && e.action == action; };
  const auto it = std::find_if(entries_.begin(), entries_.end(), same);
  if (it != entries_.end())
    ++it->count;
  else
    entries_.push_back({std::string(type), action, 1});
}

std::int64_t Counts::of(std::string_view type) const {
  std::int64_t sum = 0;
  for (const auto& e : entries_)
    if (e.type == type) sum += e.count;
  return sum;
}

std::int64_t Counts::total() const {
  std::int64_t sum = 0;
  for (const auto& e : entries_) sum += e.count;
  return sum;
}

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace tollgate::pii
