// What changed between two snapshots, in people's words.
#include <limits>

#include "config/facts.h"
#include "config/load.h"
#include "gateway/base/money.h"

namespace tollgate::config {
namespace {

using Lines = std::vector<std::string>;
template <class T>
using Parts = std::map<std::string, const T*>;

const Fact* find(const Facts& facts, const std::string& name) {
  for (const Fact& fact : facts) {
    if (fact.name == name) return &fact;
  }
  return nullptr;
}

std::string note(const Fact& fact) { return fact.applies == Applies::restart ? " (needs a restart)" : ""; }

// "retail: requests_per_minute 600 -> 1200"; `prefix` ends in ": " or is empty.
void compare(const std::string& prefix, const Facts& from, const Facts& to, Lines& lines) {
  for (const Fact& old : from) {
    const Fact* now = find(to, old.name);
    if (now != nullptr && now->value == old.value) continue;
    std::string change = old.secret ? " removed" : " removed (was " + old.value + ")";
    if (now != nullptr) change = old.secret ? " changed" : " " + old.value + " -> " + now->value;
    lines.push_back(prefix + old.name + change + note(old));
  }
  for (const Fact& now : to) {
    if (find(from, now.name) != nullptr) continue;
    lines.push_back(prefix + now.name + (now.secret ? " set" : " set to " + now.value) + note(now));
  }
}

// How providers and analysers are compared: with the certificate they show.
template <class Part>
Facts certified_facts(const Snapshot& snapshot, const Part& part) {
  Facts facts = facts_of(part);
  if (!part.endpoint) return facts;
  for (const auto& [digest, context] : snapshot.client_tls) {
    const std::string identity = digest.substr(digest.find(':') + 1);
    if (context != part.endpoint->tls_context || identity.empty()) continue;
    facts.push_back({"egress.client_certificate", identity, Applies::reload, true});
  }
  return facts;
}

// `facts(part, new_side)` gives what is compared.
template <class T, class FactsOf>
void compare_parts(const std::string& what, const Parts<T>& from, const Parts<T>& to, Lines& lines, FactsOf facts,
                   const std::string& note_on_existence = "") {
  for (const auto& [id, part] : from) {
    if (!to.contains(id)) lines.push_back(what + " " + id + " removed" + note_on_existence);
  }
  for (const auto& [id, part] : to) {
    const auto old = from.find(id);
    if (old == from.end()) {
      lines.push_back(what + " " + id + " added" + note_on_existence);
    } else if (old->second != part) {
      compare(what + " " + id + ": ", facts(*old->second, false), facts(*part, true), lines);
    }
  }
}

template <class Map>
auto by_name(const Map& map) {
  Parts<std::remove_const_t<typename Map::mapped_type::element_type>> parts;
  for (const auto& [id, part] : map) parts[id] = part.get();
  return parts;
}

Parts<FileKey> keys_of(const Snapshot& snapshot) {
  Parts<FileKey> parts;
  for (const FileKey& key : snapshot.file_keys) parts[key.id] = &key;
  return parts;
}

Parts<LocalModel> local_models_of(const Snapshot& snapshot) {
  Parts<LocalModel> parts;
  for (const LocalModel& model : snapshot.local_models) parts[model.provider] = &model;
  return parts;
}

// What is in force for each target: of two prices for one, the later.
Parts<finops::Price> prices_of(const Snapshot& snapshot) {
  Parts<finops::Price> parts;
  if (!snapshot.prices) return parts;
  for (const auto& price : snapshot.prices->prices()) parts[price.provider + "/" + price.model] = &price;
  return parts;
}

Facts price_facts(const finops::Price& price) {
  Facts facts;
  const auto put = [&](const char* name, std::int64_t nano, std::int64_t absent) {
    if (nano != absent) facts.push_back({name, format_nano(nano) + " " + price.currency, Applies::reload, false});
  };
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  put("input", price.input, kNever);
  put("cached_input", price.cached_input, -1);
  put("cache_write", price.cache_write, -1);
  put("output", price.output, kNever);
  put("audio_minute", price.audio_minute, 0);
  put("compute_hour", price.compute_hour, 0);
  return facts;
}

}  // namespace

std::vector<std::string> semantic_diff(const Snapshot& from, const Snapshot& to) {
  Lines lines;
  const auto plain = [](const auto& part, bool) { return facts_of(part); };
  const auto certified = [&](const auto& part, bool now) { return certified_facts(now ? to : from, part); };
  compare("", settings_of(from), settings_of(to), lines);
  if (from.prices != to.prices)
    compare_parts("price of", prices_of(from), prices_of(to), lines,
                  [](const finops::Price& price, bool) { return price_facts(price); });
  compare_parts("provider", by_name(from.providers), by_name(to.providers), lines, certified);
  compare_parts("local model", local_models_of(from), local_models_of(to), lines, plain);
  compare_parts("model", by_name(from.models), by_name(to.models), lines, plain);
  if (from.pii_detectors_digest != to.pii_detectors_digest) lines.push_back("pii.detectors changed");
  compare_parts("analyser", by_name(from.pii_analysers), by_name(to.pii_analysers), lines, certified);
  compare_parts("policy", by_name(from.pii_policies), by_name(to.pii_policies), lines, plain);
  compare_parts("department", by_name(from.departments), by_name(to.departments), lines, plain);
  compare_parts("key", keys_of(from), keys_of(to), lines, plain);
  return lines;
}

}  // namespace tollgate::config
