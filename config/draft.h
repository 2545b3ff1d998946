#pragma once
// What was read, before names are resolved and endpoints are built. Each part remembers where it stands.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/reader.h"
#include "config/snapshot.h"
#include "pii/custom.h"

namespace tollgate::config {

struct ProviderDraft {
  Where where;
  providers::ProviderOptions options;
  std::string url;
  Where url_where;
  std::string host_name;
  bool plain_http = false;
  std::optional<bool> max_completion_tokens;
  bool default_apis = true;
  bool http2 = false;
  std::size_t max_idle = 64;
  std::vector<std::string> addresses;
  Where addresses_where;
  std::string proxy;
  Where proxy_where;
  std::string proxy_user;
  std::shared_ptr<const Secret> proxy_password;
  std::string ca_pem;
  std::string certificate_pem;
  std::shared_ptr<const Secret> key_pem;
  std::optional<local_backend::EngineOptions> local;
};

struct TargetDraft {
  Where where;
  std::string deployment_type;  // of Azure; empty: not said
};

struct ModelDraft {
  Where where;
  Model model;
  std::vector<TargetDraft> targets;    // parallel to model.route.targets
  std::vector<TargetDraft> fallbacks;  // parallel to model.route.fallbacks
  std::string pii;
};

struct DepartmentDraft {
  Where where;
  Department department;
  std::vector<std::string> models;  // names and group:NAME
  std::string pii;
  std::vector<std::string> application_pii;  // parallel to department.applications
};

struct PolicyDraft {
  Where where;
  pii::PolicyOptions policy;
};

struct AnalyserDraft {
  Where where;
  Analyser analyser;
  std::vector<std::pair<std::string, std::string>> entities;  // the analyser's name, and ours
  ProviderDraft way;                                          // how it is reached, and who we are to it
};

struct KeyDraft {
  Where where;
  FileKey key;
};

struct GroupDraft {
  Where where;
  std::vector<std::string> models;
};

struct Draft {
  Snapshot snapshot;  // everything that needs no second look
  bool demo = false;
  Where listen;
  bool has_tls = false;
  std::vector<std::string> include;
  Where include_where;
  std::string price_catalog = "builtin@2026-11";
  Where prices_where;
  std::vector<finops::Price> price_overrides;
  std::map<std::string, GroupDraft> groups;
  std::vector<ProviderDraft> providers;
  std::vector<ModelDraft> models;
  std::vector<DepartmentDraft> departments;
  std::vector<PolicyDraft> policies;
  std::string pii;  // the policy of everybody
  std::vector<pii::CustomDetectorOptions> detectors;
  Where detectors_where;
  std::vector<AnalyserDraft> analysers;
  std::vector<KeyDraft> keys;
};

}  // namespace tollgate::config
