// providers check: one small real call to each target.
#include <sodium.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"
#include "gateway/process/check/provider_check.h"

namespace tollgate::cli {
namespace {

using process::CheckedTarget;
using Json = nlohmann::ordered_json;

constexpr const char* kHelp =
    "Make one small real call (at most 16 tokens of answer) to every provider/model pair that a model of the\n"
    "configuration uses, the way `serve` would: same credentials, proxies and authorities. Says what is wrong and "
    "what\n"
    "to do. Works on files and calls the providers; no running gateway is needed, and nothing goes to the ledger.\n"
    "Exit code 1 when a target failed.\n\n"
    "status: ok, or what failed:\n"
    "  dns, connection, timeout, proxy, tls     the way there\n"
    "  credentials, clock, permission           who we are, when, and what we may\n"
    "  model, wrong_path, refused               what is asked for: the model's or deployment's name, the endpoint\n"
    "  quota, rate_limit, overloaded            what the provider lets us have\n"
    "  provider_error                           a fault at the provider";

struct Options {
  std::string file;
  process::CheckOptions check;
  bool json = false;
};

std::string status_of(const CheckedTarget& target) { return target.checked ? target.diagnosis.status : "skipped"; }

bool failed(const CheckedTarget& target) { return target.checked && target.diagnosis.status != "ok"; }

void print_json(const std::vector<CheckedTarget>& targets) {
  Json out = Json::array();
  for (const auto& target : targets)
    out.push_back({{"provider", target.provider},
                   {"model", target.model},
                   {"region", target.region},
                   {"status", status_of(target)},
                   {"http_status", target.http_status},
                   {"milliseconds", target.milliseconds},
                   {"input_tokens", target.input_tokens},
                   {"output_tokens", target.output_tokens},
                   {"what", target.diagnosis.what},
                   {"advice", target.diagnosis.advice}});
  std::puts(out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_table(const std::vector<CheckedTarget>& targets) {
  std::size_t provider = 8;
  std::size_t model = 5;
  std::size_t region = 6;
  for (const auto& target : targets) {
    provider = std::max(provider, target.provider.size());
    model = std::max(model, target.model.size());
    region = std::max(region, target.region.size());
  }
  const auto row = [&](const char* p, const char* m, const char* r, const char* s, const char* ms, const char* tokens) {
    std::printf("%-*s  %-*s  %-*s  %-14s  %7s  %6s\n", static_cast<int>(provider), p, static_cast<int>(model), m,
                static_cast<int>(region), r, s, ms, tokens);
  };
  row("PROVIDER", "MODEL", "REGION", "STATUS", "MS", "TOKENS");
  for (const auto& target : targets) {
    row(target.provider.c_str(), target.model.c_str(), target.region.c_str(), status_of(target).c_str(),
        std::to_string(target.milliseconds).c_str(), std::to_string(target.output_tokens).c_str());
    if (!target.checked) std::puts("    a local model is loaded with --local only");
    if (!target.diagnosis.what.empty()) std::printf("    %s\n", target.diagnosis.what.c_str());
    if (!target.diagnosis.advice.empty()) std::printf("    -> %s\n", target.diagnosis.advice.c_str());
  }
}

int check(const Options& options) {
  std::signal(SIGPIPE, SIG_IGN);  // write(2) under OpenSSL is not covered by MSG_NOSIGNAL
  if (sodium_init() < 0) return complain("libsodium cannot start");
  const auto snapshot = load_or_complain(options.file, false);
  if (!snapshot) return 1;
  const auto targets = process::check_providers(*snapshot, options.check);
  if (targets.empty()) return complain("no model has such a target; `tollgate models` lists them");
  if (options.json)
    print_json(targets);
  else
    print_table(targets);
  return std::any_of(targets.begin(), targets.end(), failed) ? 1 : 0;
}

}  // namespace

void add_providers(CLI::App& app, Context& context) {
  auto* providers = app.add_subcommand("providers", "Check that providers can be called (calls them)");
  providers->require_subcommand(1);
  auto* command = providers->add_subcommand("check", kHelp);
  auto options = std::make_shared<Options>();
  add_config_option(*command, options->file);
  command->add_option("--provider", options->check.provider, "Only this provider");
  command->add_option("--target", options->check.model, "Only this model, by the provider's name for it or by ours");
  command->add_flag("--local", options->check.local, "Local models too: loads each, which takes its time and memory");
  command->add_flag("--json", options->json, "A JSON list instead of the table");
  command->callback([options, &context] { context.exit_code = check(*options); });
}

}  // namespace tollgate::cli
