// Models, departments and policies.
#include <limits>

#include "config/format.h"

namespace tollgate::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr Range<std::int64_t> kCount{1, std::numeric_limits<std::int64_t>::max() / 1'000'000};
constexpr Range<milliseconds> kWait{milliseconds(1), hours(24)};

const std::pair<std::string_view, std::string> kDeploymentTypes[] = {
    {"standard", "standard"}, {"data_zone", "data_zone"}, {"global", "global"}};
constexpr std::pair<std::string_view, bool> kOnLossy[] = {{"report", false}, {"refuse", true}};
const std::pair<std::string_view, std::string> kCriticality[] = {
    {"low", "low"}, {"medium", "medium"}, {"high", "high"}};
constexpr std::pair<std::string_view, routing::FallbackCause> kCauses[] = {
    {"error", routing::FallbackCause::error},
    {"throttled", routing::FallbackCause::throttled},
    {"timeout", routing::FallbackCause::timeout}};

void target_fields(Object& o, routing::Target& out, TargetDraft& draft) {
  draft.where = o.where();
  o.choice("deployment_type", draft.deployment_type, kDeploymentTypes,
           {.doc = "Of an Azure deployment; needed where the model has a residency, which global leaves"});
  o.reference("provider", out.provider, Reference::To::provider, kIdentifier, {.doc = "Provider id", .required = true});
  o.text("model", out.model, kModelName, {.doc = "As the provider names it", .required = true});
  o.object("timeouts", {.doc = "Deadlines towards this target"}, [&](Object& t) {
    t.duration("connect", out.timeouts.connect, kWait, {.doc = "Resolve, TCP, proxy and TLS together"});
    t.duration("first_content", out.timeouts.first_content, kWait, {.doc = "To the first content"});
    t.duration("idle", out.timeouts.idle, kWait, {.doc = "Between two frames"});
  });
  o.duration("cool_down", out.cool_down, {milliseconds(0), hours(24)},
             {.doc = "After a failure of the target's making"});
}

void fallback_fields(Object& o, routing::Fallback& out, TargetDraft& draft) {
  target_fields(o, out.target, draft);
  o.choices("when", out.when, kCauses, {.doc = "Default: all"});
  o.object("for", {.doc = "Default: every application"}, [&](Object& f) {
    f.choice("criticality", out.only_criticality, kCriticality,
             {.doc = "Only applications of this one", .required = true});
  });
}

void application_fields(Object& o, Application& out, std::string& pii) {
  o.text("id", out.id, kIdentifier, {.doc = "Unique in its department", .required = true});
  o.text("purpose", out.purpose, kLine, {.doc = "What the money is for"});
  o.text("owner", out.owner, kLine, {.doc = "Who answers for it"});
  o.text("use_case", out.use_case, kLine, {.doc = "Number in the register of AI use cases"});
  o.choice("criticality", out.criticality, kCriticality, {.doc = "Decides which fallbacks it may use"});
  o.text("data", out.data, kLine, {.doc = "Classification of its data"});
  o.object("limits", {.doc = "Of all its calls together; absent: unlimited"},
           [&](Object& l) { limits_fields(l, out.limits); });
  o.object("key_limits", {.doc = "Of each of its keys by itself; absent: unlimited"},
           [&](Object& l) { limits_fields(l, out.key_limits); });
  o.reference("pii", pii, Reference::To::pii_policy, kIdentifier, {.doc = "Policy name; joins its department's"});
}

void cost_center_fields(Object& o, Department& out) {
  std::string always;
  o.text_or_list("cost_center", always, kLine, {.doc = "Who pays: a name, or names with the day each begins"},
                 [&](Object& c) {
                   DatedCostCenter dated;
                   c.text("from", dated.from, kDate, {.doc = "First day, UTC", .required = true});
                   c.text("id", dated.id, kLine, {.doc = "Cost center", .required = true});
                   const bool ascending = out.cost_centers.empty() || out.cost_centers.back().from < dated.from;
                   if (!ascending && !dated.from.empty()) c.problem("from", "dates have to ascend");
                   out.cost_centers.push_back(std::move(dated));
                 });
  if (!always.empty()) out.cost_centers.push_back({std::string(kAlways), always});
}

// A burst says how much may pass at once, so it needs the rate that refills it.
void burst_field(Object& o, std::string_view name, std::string_view rate_name, const std::optional<std::int64_t>& rate,
                 std::optional<std::int64_t>& out) {
  o.integer(name, out, kCount, {.doc = "Most at once; default: " + std::string(rate_name)});
  if (out && !rate) o.problem(name, "needs " + std::string(rate_name));
}

// Reads one part, wherever it stands, into its list.
template <class Part, std::vector<Part> Draft::* List, void (*Fields)(Object&, Part&)>
void read_part(Object& o, Draft& out) {
  Part part;
  part.where = o.where();
  Fields(o, part);
  (out.*List).push_back(std::move(part));
}

}  // namespace

void limits_fields(Object& o, ratelimit::Limits& out) {
  o.integer("requests_per_minute", out.requests_per_minute, kCount, {.doc = "Refilled continuously"});
  burst_field(o, "requests_burst", "requests_per_minute", out.requests_per_minute, out.requests_burst);
  o.integer("tokens_per_minute", out.tokens_per_minute, kCount, {.doc = "Input and output together"});
  burst_field(o, "tokens_burst", "tokens_per_minute", out.tokens_per_minute, out.tokens_burst);
  o.integer("requests_per_day", out.requests_per_day, kCount, {.doc = "Per 24 hours, refilled continuously"});
  burst_field(o, "requests_day_burst", "requests_per_day", out.requests_per_day, out.requests_day_burst);
  o.integer("tokens_per_day", out.tokens_per_day, kCount, {.doc = "Per 24 hours, input and output together"});
  burst_field(o, "tokens_day_burst", "tokens_per_day", out.tokens_per_day, out.tokens_day_burst);
  o.integer("concurrent", out.concurrent, kCount, {.doc = "Calls under way"});
}

void model_fields(Object& o, ModelDraft& out) {
  Model& model = out.model;
  o.text("name", model.name, kModelName, {.doc = "What callers name", .required = true});
  o.list("targets", {.doc = "Where calls go, by weight", .required = true}, [&](Object& t) {
    routing::Target target;
    target_fields(t, target, out.targets.emplace_back());
    t.number("weight", target.weight, {0, 1'000'000}, {.doc = "Share among the targets"});
    model.route.targets.push_back(std::move(target));
  });
  o.list("fallback", {.doc = "Where calls go when targets fail, in order"}, [&](Object& f) {
    routing::Fallback fallback;
    fallback_fields(f, fallback, out.fallbacks.emplace_back());
    model.route.fallbacks.push_back(std::move(fallback));
  });
  o.text("residency", model.residency, kIdentifier, {.doc = "Every target has to work in this region"});
  o.integer("default_max_tokens", model.default_max_tokens, {1, 10'000'000},
            {.doc = "Reserved when the caller sets no limit"});
  o.choice("on_lossy", model.refuse_lossy, kOnLossy,
           {.doc = "A call with parameters that a target has no place for: tell the caller afterwards, or refuse it"});
  o.object("limits", {.doc = "Of all its callers together; absent: unlimited"},
           [&](Object& l) { limits_fields(l, model.limits); });
  o.date("created", model.created, {.doc = "Shown by /v1/models"});
  o.reference("pii", out.pii, Reference::To::pii_policy, kIdentifier, {.doc = "Policy name, for whoever calls it"});
}

void department_fields(Object& o, DepartmentDraft& out) {
  Department& department = out.department;
  o.text("id", department.id, kIdentifier, {.doc = "Unique", .required = true});
  cost_center_fields(o, department);
  o.references("models", out.models, Reference::To::model_or_group, kModelName, {.doc = "Model names, or group:NAME"});
  o.object("limits", {.doc = "Absent: unlimited"}, [&](Object& l) { limits_fields(l, department.limits); });
  o.reference("pii", out.pii, Reference::To::pii_policy, kIdentifier, {.doc = "Policy name"});
  o.texts("countries", department.countries, kCountry,
          {.doc = "Whose national identifiers are looked for, beside those of its policies; default: every country's"});
  o.list("applications", {.doc = "What keys are given to"}, [&](Object& a) {
    Application application;
    application_fields(a, application, out.application_pii.emplace_back());
    if (!application.id.empty() && department.application(application.id) != nullptr) {
      a.problem("id", "application '" + application.id + "' is defined twice");
    }
    department.applications.push_back(std::move(application));
  });
  o.unsupported("budgets", "budgets are not supported yet; limits are");
}

std::span<const PartKind> part_kinds() {
  static constexpr PartKind kKindsOfParts[] = {
      {"providers", "provider", read_part<ProviderDraft, &Draft::providers, provider_fields>},
      {"models", "model", read_part<ModelDraft, &Draft::models, model_fields>},
      {"departments", "department", read_part<DepartmentDraft, &Draft::departments, department_fields>},
      {"policies", "policy", read_part<PolicyDraft, &Draft::policies, policy_file_fields>},
  };
  return kKindsOfParts;
}

}  // namespace tollgate::config
