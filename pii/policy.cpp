#include "pii/policy.h"

#include <algorithm>
#include <stdexcept>

#include "pii/pii.h"

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
  const auto it = types.find(finding.type);
  return it == types.end() ? rule : it->second;
}

void Policies::add(const PolicyOptions* policy) {
  const auto* end = policies_.begin() + count_;
  if (policy == nullptr || std::find(policies_.cbegin(), end, policy) != end) return;
  if (count_ == kLevels) throw std::logic_error("more levels of policies than there are");
  policies_[count_++] = policy;
}

TypeRule Policies::decide(const Finding& finding) const {
  TypeRule decided{.action = Action::allow};
  for (std::size_t i = 0; i < count_; ++i) {
    const TypeRule& rule = policies_[i]->rule_for(finding);
    if (finding.score >= rule.threshold) tighten(decided, rule);
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

void Counts::add(EntityType type, Action action) {
  const auto same = [&](const Entry& e) { return e.type == type && e.action == action; };
  const auto it = std::find_if(entries_.begin(), entries_.end(), same);
  if (it != entries_.end())
    ++it->count;
  else
    entries_.push_back({type, action, 1});
}

std::int64_t Counts::of(EntityType type) const {
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
