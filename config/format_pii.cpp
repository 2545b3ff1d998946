// Personal data: policies, and what every department shares.
#include "config/format.h"

namespace tollgate::config {
namespace {

using pii::Action;
using pii::OnOpaque;
using pii::PolicyOptions;

constexpr std::pair<std::string_view, Action> kActions[] = {{"allow", Action::allow},
                                                            {"log_only", Action::log_only},
                                                            {"mask", Action::mask},
                                                            {"pseudonymise", Action::pseudonymise},
                                                            {"hash", Action::hash},
                                                            {"redact", Action::redact},
                                                            {"route_local_only", Action::route_local_only},
                                                            {"block", Action::block}};
constexpr std::pair<std::string_view, PolicyOptions::OnError> kOnError[] = {{"block", PolicyOptions::OnError::block},
                                                                            {"pass", PolicyOptions::OnError::pass}};
constexpr std::pair<std::string_view, OnOpaque> kOnOpaque[] = {
    {"pass", OnOpaque::pass}, {"local_only", OnOpaque::local_only}, {"refuse", OnOpaque::refuse}};

void rule_fields(Object& o, pii::TypeRule& out) {
  o.choice("action", out.action, kActions, {.doc = "What is done with a value; of a type, default: the policy's"});
  o.decimal("threshold", out.threshold, {0, 1}, {.doc = "Least score that counts"});
  o.number("keep_last", out.keep_last, {0, 64},
           {.doc = "mask: how many letters and digits stay at the end, but never more than half of them"});
}

}  // namespace

void policy_fields(Object& o, PolicyOptions& out) {
  rule_fields(o, out.rule);
  o.object("types", {.doc = "Per type: an action, or {action, threshold, keep_last}"}, [&](Object& t) {
    for (std::size_t i = 0; i < pii::kEntityTypes; ++i) {
      const auto type = static_cast<pii::EntityType>(i);
      const std::string_view name = pii::to_string(type);
      pii::TypeRule rule = out.rule;
      t.choice_or_object(
          name, rule.action, kActions, {.doc = "Default: as the policy"}, [&](Object& r) { rule_fields(r, rule); },
          "pii_rule");
      if (t.has(name)) out.types[type] = rule;
    }
  });
  o.boolean("restore", out.restore, {.doc = "Put values back into answers"});
  const std::pair<std::string_view, std::string> packs[] = {{out.rule_pack, out.rule_pack}};
  std::string pack = out.rule_pack;
  o.choice("rule_pack", pack, packs, {.doc = "Pinned: an upgrade never changes what is found unreviewed"});
  o.choice("on_error", out.on_error, kOnError, {.doc = "When scanning fails"});
  o.choice("on_opaque", out.on_opaque, kOnOpaque, {.doc = "What no scanner reads: images, sound, files, token ids"});
}

void policy_file_fields(Object& o, PolicyDraft& out) {
  o.text("name", out.policy.name, kIdentifier, {.doc = "What departments name", .required = true});
  policy_fields(o, out.policy);
}

void pii_fields(Object& o, Draft& out) {
  o.reference("policy", out.pii, Reference::To::pii_policy, kIdentifier,
              {.doc = "Policy of every call; departments, applications and models can only add to it"});
  o.number("key_epoch", out.snapshot.pii_key_epoch, {1, 1'000'000},
           {.doc = "Raise it by one to rotate the keys of pseudonyms; those of the epoch before are still restored"});
  o.named("policies", {.doc = "By name"}, [&](const std::string& name, Object& policy) {
    PolicyDraft draft{policy.where(), {}};
    policy_fields(policy, draft.policy);
    draft.policy.name = name;
    out.policies.push_back(std::move(draft));
  });
}

}  // namespace tollgate::config
