// models: what callers may name, where it goes, what can be asked of it and what it costs.
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/base/money.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"
#include "gateway/cli/inspect.h"
#include "gateway/cli/local_models.h"
#include "providers/abilities.h"

namespace tollgate::cli {
namespace {

using providers::Ability;
using Json = nlohmann::ordered_json;

Json apis_of(const providers::ProviderOptions& provider, const std::string& model) {
  static constexpr const char* kWords[] = {"none", "translated", "native"};
  Json out = Json::object();
  for (const providers::Api api : providers::kApis) {
    const Ability ability = providers::ability(provider, model, api);
    if (ability != Ability::none) out[providers::to_string(api)] = kWords[static_cast<std::size_t>(ability)];
  }
  return out;
}

// Per million tokens; of sound and computing, where they cost, by their time.
Json price_of(const config::Snapshot& snapshot, const routing::Target& target) {
  const finops::Price* price = snapshot.prices->find(target.provider, target.model);
  if (price == nullptr) return nullptr;
  Json out = {
      {"input", format_nano(price->input)}, {"output", format_nano(price->output)}, {"currency", price->currency}};
  if (price->audio_minute > 0) out["audio_minute"] = format_nano(price->audio_minute);
  if (price->compute_hour > 0) out["compute_hour"] = format_nano(price->compute_hour);
  return out;
}

Json target_of(const config::Snapshot& snapshot, const routing::Target& target) {
  Json out = {{"provider", target.provider}, {"model", target.model}};
  const auto provider = snapshot.providers.find(target.provider);
  if (provider != snapshot.providers.end()) {
    out["region"] = provider->second->processing_region;
    out["apis"] = apis_of(*provider->second, target.model);
  }
  out["price_per_million_tokens"] = price_of(snapshot, target);
  return out;
}

Json model_of(const config::Snapshot& snapshot, const config::Model& model) {
  Json out = {{"name", model.name}, {"residency", model.residency.empty() ? Json(nullptr) : Json(model.residency)}};
  out["targets"] = Json::array();
  for (const auto& target : model.route.targets) {
    Json one = target_of(snapshot, target);
    one["weight"] = target.weight;
    out["targets"].push_back(std::move(one));
  }
  out["fallbacks"] = Json::array();
  for (const auto& fallback : model.route.fallbacks) {
    Json one = target_of(snapshot, fallback.target);
    if (!fallback.only_criticality.empty()) one["only_criticality"] = fallback.only_criticality;
    out["fallbacks"].push_back(std::move(one));
  }
  out["departments"] = Json::array();
  for (const auto& [id, department] : snapshot.departments)
    if (department->may_use(model.name)) out["departments"].push_back(id);
  return out;
}

std::string joined(const Json& apis, std::string_view ability) {
  std::string out;
  for (const auto& [name, how] : apis.items())
    if (how == ability) out += (out.empty() ? "" : ", ") + name;
  return out;
}

void print_target(const char* kind, const Json& target, const std::string& note) {
  const Json& price = target["price_per_million_tokens"];
  const std::string region = target.value("region", "");
  std::printf("  %-9s %s/%s  %s%s%s\n", kind, target["provider"].get<std::string>().c_str(),
              target["model"].get<std::string>().c_str(), note.c_str(), region.empty() ? "" : "  in ", region.c_str());
  const Json apis = target.value("apis", Json::object());
  if (const auto native = joined(apis, "native"); !native.empty())
    std::printf("            as it is: %s\n", native.c_str());
  if (const auto other = joined(apis, "translated"); !other.empty())
    std::printf("            translated: %s\n", other.c_str());
  if (price.is_null())
    std::printf("            no price is known: its calls cost 0 (prices: overrides:)\n");
  else
    std::printf("            %s %s a million tokens in, %s out\n", price["input"].get<std::string>().c_str(),
                price["currency"].get<std::string>().c_str(), price["output"].get<std::string>().c_str());
  for (const auto& [member, unit] :
       {std::pair("audio_minute", "minute of sound"), {"compute_hour", "hour of computing"}})
    if (price.is_object() && price.contains(member))
      std::printf("            %s %s a %s\n", price[member].get<std::string>().c_str(),
                  price["currency"].get<std::string>().c_str(), unit);
}

void print(const Json& model) {
  std::printf("%s", model["name"].get<std::string>().c_str());
  if (!model["residency"].is_null()) std::printf("  stays in %s", model["residency"].get<std::string>().c_str());
  std::string departments;
  for (const auto& id : model["departments"]) departments += (departments.empty() ? "" : ", ") + id.get<std::string>();
  std::printf("\n  %-9s %s\n", "used by", departments.empty() ? "nobody" : departments.c_str());
  for (const auto& target : model["targets"])
    print_target("target", target, "weight " + std::to_string(target["weight"].get<std::int64_t>()));
  for (const auto& fallback : model["fallbacks"]) {
    const std::string only = fallback.value("only_criticality", "");
    print_target("fallback", fallback, only.empty() ? "for all" : "for criticality " + only);
  }
}

int models(const std::string& file, const std::string& department, bool json) {
  const auto snapshot = load_or_complain(file, true);
  if (!snapshot) return 1;
  const auto who = snapshot->departments.find(department);
  if (!department.empty() && who == snapshot->departments.end())
    return complain("there is no department " + department);
  Json all = Json::array();
  for (const auto& [name, model] : snapshot->models)
    if (department.empty() || who->second->may_use(name)) all.push_back(model_of(*snapshot, *model));
  if (json)
    std::printf("%s\n", all.dump(2).c_str());
  else
    for (const auto& model : all) print(model);
  return 0;
}

}  // namespace

void add_models(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "models",
      "List models: who may use them, where they go, what can be asked of them and their prices (works on files)");
  auto file = std::make_shared<std::string>();
  auto department = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  add_config_option(*command, *file);
  command->add_option("--department", *department, "Only what this department may use");
  command->add_flag("--json", *json, "As JSON");
  add_local_models(*command, context);
  add_inspect(*command, context);
  command->callback([command, file, department, json, &context] {
    if (command->get_subcommands().empty()) context.exit_code = models(*file, *department, *json);
  });
}

}  // namespace tollgate::cli
