// pii scan: what a policy finds in text and does to it. Works on standard input alone.
#include <sodium.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"
#include "pii/pii.h"

namespace tollgate::cli {
namespace {

using nlohmann::json;

struct ScanOptions {
  std::string config, policy;
  bool jsonl = false;
};

struct Scanned {
  std::vector<pii::Finding> findings;
  std::string scrubbed;
  std::string blocked;  // the policy's refusal; empty = none
};

class Tool {
 public:
  explicit Tool(pii::PolicyOptions policy) : policy_(std::move(policy)), pseudonymiser_(example_key()) {}

  Scanned scan(std::string_view text) const {
    const pii::Policies policies(policy_);
    Scanned out{pii::find(text, scanner_), {}, {}};
    std::erase_if(out.findings,
                  [&](const auto& finding) { return finding.score < policy_.rule_for(finding).threshold; });
    pii::Scrubbed scrubbed;
    auto replacements = pii::scrub(text, out.findings, policies, pseudonymiser_, scrubbed);
    if (!replacements) {
      out.blocked = replacements.error().message;
      return out;
    }
    std::size_t at = 0;
    for (const auto& r : *replacements) {
      out.scrubbed.append(text.substr(at, r.start - at)).append(r.with);
      at = r.end;
    }
    out.scrubbed.append(text.substr(at));
    return out;
  }

 private:
  // Shows the shape of pseudonyms without needing the master key; a gateway's own differ.
  static Secret example_key() { return Secret(std::string(32, 'x')); }

  pii::Scanner scanner_;
  pii::PolicyOptions policy_;
  pii::Pseudonymiser pseudonymiser_;
};

json to_json(std::string_view text, const Scanned& scanned) {
  json findings = json::array();
  for (const auto& f : scanned.findings)
    findings.push_back({{"type", pii::to_string(f.type)},
                        {"start", pii::code_points(text.substr(0, f.start))},
                        {"end", pii::code_points(text.substr(0, f.end))},
                        {"start_byte", f.start},
                        {"end_byte", f.end},
                        {"score", f.score}});
  json out = {{"findings", std::move(findings)}};
  if (scanned.blocked.empty())
    out["scrubbed"] = scanned.scrubbed;
  else
    out["blocked"] = scanned.blocked;
  return out;
}

int scan_lines(const Tool& tool) {
  std::string line;
  int number = 0;
  int failed = 0;
  while (std::getline(std::cin, line)) {
    ++number;
    const json in = json::parse(line, nullptr, false);
    if (!in.is_object() || !in.contains("text") || !in["text"].is_string()) {
      failed = complain("line " + std::to_string(number) + ": expected an object with \"text\"");
      std::printf("%s\n", json{{"error", "expected an object with \"text\""}}.dump().c_str());
      continue;
    }
    const auto& text = in["text"].get_ref<const std::string&>();
    std::printf("%s\n", to_json(text, tool.scan(text)).dump().c_str());
  }
  return failed;
}

int scan_text(const Tool& tool) {
  const std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  const auto scanned = tool.scan(text);
  for (const auto& f : scanned.findings)
    std::printf("%-16s %6zu-%-6zu score %.2f  %.*s\n", std::string(pii::to_string(f.type)).c_str(), f.start, f.end,
                f.score, static_cast<int>(f.end - f.start), text.data() + f.start);
  std::printf("%zu found\n", scanned.findings.size());
  if (!scanned.blocked.empty())
    std::printf("blocked: %s\n", scanned.blocked.c_str());
  else
    std::printf("--- scrubbed ---\n%s%s", scanned.scrubbed.c_str(), scanned.scrubbed.ends_with('\n') ? "" : "\n");
  return 0;
}

int scan(const ScanOptions& options) {
  if (sodium_init() < 0) return complain("libsodium cannot start");
  pii::PolicyOptions policy;
  if (!options.policy.empty()) {
    const auto snapshot = load_or_complain(options.config, true);
    if (!snapshot) return 1;
    const auto it = snapshot->pii_policies.find(options.policy);
    if (it == snapshot->pii_policies.end()) return complain("no PII policy '" + options.policy + "' is configured");
    policy = *it->second;
  }
  const Tool tool(std::move(policy));
  return options.jsonl ? scan_lines(tool) : scan_text(tool);
}

}  // namespace

void add_pii(CLI::App& app, Context& context) {
  auto* pii = app.add_subcommand("pii", "What the scrubber sees (works on standard input)");
  pii->require_subcommand(1);
  auto options = std::make_shared<ScanOptions>();
  auto* command = pii->add_subcommand("scan", "Read text on standard input; show what is found and what would be sent");
  add_config_option(*command, options->config);
  command->add_option("--policy", options->policy, "A policy of the configuration; default: pseudonymise everything");
  command->add_flag("--jsonl", options->jsonl,
                    "Each input line is {\"text\": ...}, each output line has findings and scrubbed");
  command->callback([options, &context] { context.exit_code = scan(*options); });
}

}  // namespace tollgate::cli
