#include "config/assemble.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "config/facts.h"
#include "config/scalars.h"
#include "gateway/net/tls.h"
#include "providers/residency.h"

namespace tollgate::config {
namespace {

constexpr std::string_view kGroupPrefix = "group:";

class Assembler {
 public:
  Assembler(Draft draft, Session& session, const Snapshot* previous)
      : draft_(std::move(draft)), session_(session), previous_(previous), out_(std::move(draft_.snapshot)) {}

  std::shared_ptr<const Snapshot> run(const std::filesystem::path& base) {
    out_.generation = previous_ == nullptr ? 1 : previous_->generation + 1;
    out_.scope = ratelimit::make_scope("organisation", out_.limits);
    places(base);
    listen();
    ports();
    prices();
    policies();
    for (ProviderDraft& draft : draft_.providers) provider(draft);
    for (ModelDraft& draft : draft_.models) model(draft);
    for (DepartmentDraft& draft : draft_.departments) department(draft);
    for (KeyDraft& draft : draft_.keys) key(draft);
    if (!session_.incomplete) references();
    return std::make_shared<const Snapshot>(std::move(out_));
  }

 private:
  // False when the id was taken (reported) or is missing (reported when it was read).
  bool claim(const char* what, const std::string& id, const Where& where) {
    if (id.empty()) return false;
    const auto [first, fresh] = claimed_.try_emplace(std::string(what) + " '" + id + "'", where);
    if (fresh) return true;
    session_.problem(where, first->first + " is already defined in " + first->second.file + ":" +
                                std::to_string(first->second.line));
    return false;
  }

  template <class Map>
  static typename Map::mapped_type find(const Map& parts, const std::string& id) {
    const auto found = parts.find(id);
    return found == parts.end() ? nullptr : found->second;
  }

  // The previous part where it says the same.
  template <class Map, class Part>
  auto keep(const Map Snapshot::* parts, const std::string& id, Part fresh, bool same_links = true) {
    auto made = std::make_shared<const Part>(std::move(fresh));
    if (previous_ == nullptr || !same_links) return made;
    const auto old = find(previous_->*parts, id);
    return old != nullptr && facts_of(*old) == facts_of(*made) ? old : made;
  }

  void places(const std::filesystem::path& base) {
    const auto fill = [](std::filesystem::path& path, const std::filesystem::path& value) {
      if (path.empty()) path = value.lexically_normal();
    };
    fill(out_.state_directory, base / "state");
    fill(out_.credentials.sqlite, out_.state_directory / "credentials.db");
    fill(out_.ledger.sqlite, out_.state_directory / "ledger.db");
    fill(out_.ledger.ring_directory, out_.state_directory / "rings");
  }

  // Two listeners at one place would be told apart only when the second one fails to start.
  void ports() {
    struct Listener {
      const char* name;
      const std::string& address;
      std::uint16_t port;
    };
    const Listener all[] = {{"listen", out_.listen.address, out_.listen.port},
                            {"ops", out_.ops.address, out_.ops.port},
                            {"admin", out_.admin.address, out_.admin.port}};
    const auto everywhere = [](const std::string& address) { return address == "0.0.0.0" || address == "::"; };
    for (const Listener& a : all) {
      for (const Listener* b = &a + 1; b != std::end(all); ++b) {
        const bool meet = a.address == b->address || everywhere(a.address) || everywhere(b->address);
        if (!meet || a.port == 0 || a.port != b->port) continue;
        session_.problem(draft_.listen, std::string(a.name) + " and " + b->name + " have the same port " +
                                            std::to_string(a.port) + ": give each its own");
      }
    }
  }

  void listen() {
    const Listen& listen = out_.listen;
    if (!draft_.has_tls && !listen.plaintext) {
      session_.problem(draft_.listen, "needs tls: {certificate: …, key: {file: …}}, or plaintext: true behind a proxy");
    }
    if (draft_.has_tls && listen.plaintext) session_.problem(draft_.listen, "has both tls and plaintext: true");
    if (listen.key_pem == nullptr || listen.key_pem->empty() || listen.certificate_pem.empty()) return;
    const auto context = net::server_tls(listen.certificate_pem, *listen.key_pem);
    if (!context) session_.problem(draft_.listen, "tls: " + context.error().message);
    if (previous_ != nullptr && previous_->listen.key_pem &&
        previous_->listen.key_pem->reveal() == listen.key_pem->reveal()) {
      out_.listen.key_pem = previous_->listen.key_pem;
    }
  }

  void prices() {
    const auto builtin = finops::builtin_prices(draft_.price_catalog);
    if (!builtin) {
      return session_.problem(draft_.prices_where,
                              "this build has no price list '" + draft_.price_catalog + "' (it has builtin@2026-11)");
    }
    out_.prices = builtin;
    if (!draft_.price_overrides.empty()) out_.prices = overlay(*builtin);
    const bool same =
        previous_ != nullptr && previous_->prices && previous_->prices->version() == out_.prices->version();
    if (same) out_.prices = previous_->prices;
  }

  // The version names the overrides by their digest: a row says exactly which list rated it.
  std::shared_ptr<const finops::PriceBook> overlay(const finops::PriceBook& builtin) const {
    std::vector<finops::Price> all = builtin.prices();
    std::string text;
    for (const finops::Price& price : draft_.price_overrides) {
      text += price.provider + " " + price.model;
      for (const std::int64_t amount :
           {price.input, price.cached_input, price.cache_write, price.output, price.audio_minute, price.compute_hour}) {
        text += " " + std::to_string(amount);
      }
      text += "\n";
      all.push_back(price);
    }
    return std::make_shared<const finops::PriceBook>(builtin.version() + "+" + public_digest(text), std::move(all));
  }

  // Compiled once for all policies, and again only where something about them changed.
  void detectors() {
    std::string text;
    for (const auto& d : draft_.detectors) {
      text += d.name + '\0' + d.pattern + '\0' + d.checksum + '\0' + std::to_string(d.score);
      for (const auto* list : {&d.words, &d.keywords})
        for (const std::string& word : *list) text += '\0' + word;
      text += '\n';
    }
    out_.pii_detectors_digest = private_digest(text);
    if (previous_ != nullptr && previous_->pii_detectors_digest == out_.pii_detectors_digest) {
      out_.pii_detectors = previous_->pii_detectors;
      return;
    }
    auto made = pii::CustomDetectors::make(std::move(draft_.detectors));
    if (!made) return session_.problem(draft_.detectors_where, made.error().param + ": " + made.error().message);
    out_.pii_detectors = *std::move(made);
  }

  // What analysers find and no type of ours stands for is a type of the house's own, known by its name alone.
  void name_analysers_types() {
    for (const AnalyserDraft& draft : draft_.analysers)
      for (const auto& [theirs, ours] : draft.entities) {
        pii::EntityType builtin{};
        const bool known =
            pii::parse_entity_type(ours, builtin) ||
            std::ranges::find(draft_.detectors, ours, &pii::CustomDetectorOptions::name) != draft_.detectors.end();
        if (known) continue;
        auto& named = draft_.detectors.emplace_back();
        named.name = ours;
      }
  }

  void analyser(AnalyserDraft& draft) {
    const std::string name = draft.analyser.name;
    if (!claim("analyser", name, draft.where)) return;
    Analyser made = build_analyser(draft, session_, out_, previous_);
    const auto old = previous_ == nullptr ? nullptr : find(previous_->pii_analysers, name);
    const bool same =
        old != nullptr && previous_->pii_detectors == out_.pii_detectors && old->endpoint == made.endpoint;
    out_.pii_analysers[name] = keep(&Snapshot::pii_analysers, name, std::move(made), same);
  }

  // Who asks an analyser acts on what it finds: by default as on everything.
  void add_analysers_types(pii::PolicyOptions& policy) const {
    for (const std::string& name : policy.analysers)
      if (const auto asked = find(out_.pii_analysers, name))
        for (const Analyser::Entity& entity : asked->entities)
          if (entity.custom != 0) policy.custom.try_emplace(entity.as, policy.rule);
  }

  void policies() {
    name_analysers_types();
    detectors();
    for (AnalyserDraft& draft : draft_.analysers) analyser(draft);
    for (PolicyDraft& draft : draft_.policies) {
      const std::string name = draft.policy.name;
      if (!claim("policy", name, draft.where)) continue;
      draft.policy.detectors = out_.pii_detectors;
      add_analysers_types(draft.policy);
      for (const auto& [detector, rule] : draft.policy.custom)
        if (out_.pii_detectors && out_.pii_detectors->number_of(detector) == 0)
          session_.problem(draft.where, "detectors: '" + detector + "' is not defined under pii.detectors");
      const auto old = previous_ == nullptr ? nullptr : find(previous_->pii_policies, name);
      const bool same_detectors = old != nullptr && old->detectors == draft.policy.detectors;
      out_.pii_policies[name] = keep(&Snapshot::pii_policies, name, std::move(draft.policy), same_detectors);
    }
    out_.pii = policy(draft_.pii);
  }

  // Null where no policy is named, or none of that name is defined (reported with the references).
  std::shared_ptr<const pii::PolicyOptions> policy(const std::string& name) const {
    return find(out_.pii_policies, name);
  }

  void provider(ProviderDraft& draft) {
    providers::ProviderOptions& options = draft.options;
    if (!claim("provider", options.id, draft.where)) return;
    const bool local = options.kind == "local";
    if (local && !draft.local) session_.problem(draft.where, "kind local needs model: {directory: …}");
    if (local && !draft.url.empty()) session_.problem(draft.url_where, "kind local has no endpoint");
    if (local && options.identity) session_.problem(draft.where, "kind local takes no auth");
    if (!local && draft.local) session_.problem(draft.where, "model: is for kind local");
    if (!local && draft.url.empty() && !options.kind.empty()) {
      session_.problem(draft.where, "kind " + options.kind + " needs an endpoint");
    }
    if (local && draft.local) local_model(draft);
    if (!local && !draft.url.empty()) build_endpoint(draft, session_, out_, previous_);
    openai_options(draft);
    share_endpoint(options);
    const std::string id = options.id;
    const auto old = previous_ == nullptr ? nullptr : find(previous_->providers, id);
    const bool same_endpoint = old != nullptr && old->endpoint == options.endpoint;
    out_.providers[id] = keep(&Snapshot::providers, id, std::move(options), same_endpoint);
  }

  void openai_options(ProviderDraft& draft) {
    using providers::Api;
    providers::ProviderOptions& options = draft.options;
    const bool azure = options.kind == "azure_openai";
    // OpenAI's reasoning models refuse the older name; servers of other makers may know only that one.
    const bool openai = options.endpoint && options.endpoint->host.ends_with("api.openai.com");
    if (options.kind == "azure_ml" && draft.default_apis) options.apis = {Api::chat};
    if (openai && draft.default_apis)
      options.apis = {Api::chat,        Api::responses,        Api::embeddings,     Api::moderations,
                      Api::images,      Api::speech,           Api::transcriptions, Api::translations,
                      Api::image_edits, Api::image_variations, Api::batches};
    options.max_completion_tokens = draft.max_completion_tokens.value_or(azure || openai);
  }

  void local_model(const ProviderDraft& draft) {
    std::error_code error;
    if (!session_.offline && !std::filesystem::is_directory(draft.local->model_directory, error)) {
      session_.problem(draft.where, "model directory " + draft.local->model_directory + " does not exist");
    }
    out_.local_models.push_back({draft.options.id, *draft.local});
  }

  void share_endpoint(providers::ProviderOptions& options) const {
    if (previous_ == nullptr || !options.endpoint) return;
    const auto old = find(previous_->providers, options.id);
    if (old == nullptr || !old->endpoint) return;
    if (same_endpoint(*old->endpoint, *options.endpoint)) options.endpoint = old->endpoint;
  }

  void model(ModelDraft& draft) {
    Model& model = draft.model;
    if (!claim("model", model.name, draft.where)) return;
    if (model.name.starts_with(kGroupPrefix)) session_.problem(draft.where, "a model name cannot start with 'group:'");
    routes(draft);
    const std::string name = model.name;
    model.scope = ratelimit::make_scope("model:" + name, model.limits);
    model.pii = policy(draft.pii);
    const auto old = previous_ == nullptr ? nullptr : find(previous_->models, name);
    const bool same_policy = old != nullptr && old->pii == model.pii;
    out_.models[name] = keep(&Snapshot::models, name, std::move(model), same_policy);
  }

  void routes(const ModelDraft& draft) {
    const routing::Route& route = draft.model.route;
    std::int64_t weight = 0;
    std::set<std::string> keys;
    for (std::size_t i = 0; i < route.targets.size(); ++i) {
      const routing::Target& target = route.targets[i];
      weight += target.weight;
      if (!keys.insert(target.key()).second)
        session_.problem(draft.targets[i].where, target.key() + " is listed twice");
      residency(draft.model, target, draft.targets[i]);
    }
    for (std::size_t i = 0; i < route.fallbacks.size(); ++i) {
      residency(draft.model, route.fallbacks[i].target, draft.fallbacks[i]);
    }
    if (weight == 0) session_.problem(draft.where, "targets: needs at least one with a weight above 0");
  }

  void residency(const Model& model, const routing::Target& target, const TargetDraft& draft) {
    const auto found = out_.providers.find(target.provider);
    if (model.residency.empty() || found == out_.providers.end()) return;
    if (const std::string why = leaves(*found->second, target, draft, model.residency); !why.empty())
      session_.problem(draft.where, "model '" + model.name + "' has residency '" + model.residency + "', but " + why);
  }

  static std::string leaves(const providers::ProviderOptions& provider, const routing::Target& target,
                            const TargetDraft& draft, const std::string& residency) {
    const std::string& region = provider.processing_region;
    const std::string name = "provider '" + provider.id + "' ";
    if (region != residency) return name + (region.empty() ? "says no region" : "works in '" + region + "'");
    const bool deployed = provider.kind == "azure_openai" || provider.kind == "azure_ai";
    if (deployed && draft.deployment_type.empty())
      return "this Azure deployment does not say its deployment_type: standard and data_zone stay, global does not";
    if (draft.deployment_type == "global") return "a global deployment works anywhere";
    return providers::works_anywhere(provider, target.model);
  }

  void department(DepartmentDraft& draft) {
    Department& department = draft.department;
    if (!claim("department", department.id, draft.where)) return;
    department.models = expand(draft.models);
    department.pii = policy(draft.pii);
    for (std::size_t i = 0; i < department.applications.size(); ++i)
      department.applications[i].pii = policy(draft.application_pii[i]);
    const std::string id = department.id;
    department.scope = ratelimit::make_scope("department:" + id, department.limits);
    for (Application& one : department.applications) {
      one.scope = ratelimit::make_scope("application:" + id + "/" + one.id, one.limits);
    }
    const auto old = previous_ == nullptr ? nullptr : find(previous_->departments, id);
    const bool same_policy = old != nullptr && same_policies(*old, department);
    out_.departments[id] = keep(&Snapshot::departments, id, std::move(department), same_policy);
  }

  static bool same_policies(const Department& a, const Department& b) {
    return a.pii == b.pii &&
           std::equal(a.applications.begin(), a.applications.end(), b.applications.begin(), b.applications.end(),
                      [](const auto& one, const auto& other) { return one.pii == other.pii; });
  }

  std::vector<std::string> expand(const std::vector<std::string>& names) const {
    std::set<std::string> models;
    for (const std::string& name : names) {
      const auto group =
          name.starts_with(kGroupPrefix) ? draft_.groups.find(name.substr(kGroupPrefix.size())) : draft_.groups.end();
      if (group != draft_.groups.end()) {
        models.insert(group->second.models.begin(), group->second.models.end());
      } else {
        models.insert(name);
      }
    }
    return {models.begin(), models.end()};
  }

  void key(KeyDraft& draft) {
    if (!claim("key", draft.key.id, draft.where)) return;
    const auto department = out_.departments.find(draft.key.department);
    if (department != out_.departments.end() && !draft.key.application.empty() &&
        department->second->application(draft.key.application) == nullptr) {
      session_.problem(draft.where,
                       "department '" + draft.key.department + "' has no application '" + draft.key.application + "'");
    }
    out_.file_keys.push_back(std::move(draft.key));
  }

  void references() {
    using To = Reference::To;
    for (const Reference& reference : session_.references) {
      const std::string_view name = reference.name;
      const bool group = reference.to == To::model_or_group && name.starts_with(kGroupPrefix);
      if (group) {
        check(reference.where, "group", name.substr(kGroupPrefix.size()), draft_.groups);
      } else if (reference.to == To::provider) {
        check(reference.where, "provider", name, out_.providers);
      } else if (reference.to == To::pii_policy) {
        check(reference.where, "policy", name, out_.pii_policies);
      } else if (reference.to == To::pii_analyser) {
        check(reference.where, "analyser", name, out_.pii_analysers);
      } else if (reference.to == To::department) {
        check(reference.where, "department", name, out_.departments);
      } else {
        check(reference.where, "model", name, out_.models);
      }
    }
  }

  template <class Map>
  void check(const Where& where, std::string_view what, std::string_view name, const Map& defined) {
    if (defined.contains(std::string(name))) return;
    std::vector<std::string_view> names;
    names.reserve(defined.size());
    for (const auto& [id, part] : defined) names.push_back(id);
    std::sort(names.begin(), names.end());
    session_.problem(where,
                     std::string(what) + " '" + std::string(name) + "' is not defined" + did_you_mean(name, names));
  }

  Draft draft_;
  Session& session_;
  const Snapshot* previous_;
  Snapshot out_;
  std::map<std::string, Where> claimed_;
};

}  // namespace

std::shared_ptr<const Snapshot> assemble(Draft draft, Session& session, const std::filesystem::path& base,
                                         const std::shared_ptr<const Snapshot>& previous) {
  return Assembler(std::move(draft), session, previous.get()).run(base);
}

}  // namespace tollgate::config
