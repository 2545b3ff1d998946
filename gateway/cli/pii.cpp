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
  bool dry_run = false;
};

struct Scanned {
  std::vector<pii::Finding> findings;  // that the policy acts on
  std::string scrubbed;
  std::string blocked;  // the policy's refusal; empty = none
  pii::Counts counts;
};

class Tool {
 public:
  explicit Tool(std::shared_ptr<const pii::PolicyOptions> policy)
      : policy_(std::move(policy)), policies_(*policy_), pseudonymiser_(example_key()) {}

  // All that is found, whatever the policy makes of it.
  std::vector<pii::Finding> find(std::string_view text) const { return pii::find(text, scanner_, policies_); }

  Scanned scan(std::string_view text) const {
    Scanned out{find(text), {}, {}, {}};
    std::erase_if(out.findings, [&](const auto& f) { return f.score < policy_->rule_for(f).threshold; });
    pii::Scrubbed scrubbed;
    auto replacements = pii::scrub(text, out.findings, policies_, pseudonymiser_, scrubbed);
    out.counts = scrubbed.counts;
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

  // Other people's detectors that the policy asks in a call; this tool sends nothing to anyone.
  const std::vector<std::string>& not_asked() const { return policies_.analysers(); }

  std::string name_of(const pii::Finding& finding) const { return std::string(policies_.name_of(finding)); }
  // With the version of the pack that it is of.
  std::string rule_of(const pii::Finding& finding) const {
    return pii::rule_of(finding, policies_.name_of(finding)) + "@" +
           (finding.custom == 0 ? policy_->rule_pack : std::string("pii.detectors"));
  }

  // What the policy makes of one finding, and why.
  std::string verdict(const pii::Finding& finding, std::string_view value) const {
    const pii::TypeRule& rule = policy_->rule_for(finding);
    char threshold[8];
    std::snprintf(threshold, sizeof threshold, "%.2f", rule.threshold);
    if (finding.score < rule.threshold) return "left: the score is below the threshold of " + std::string(threshold);
    const pii::Action action = policies_.decide(finding, value).action;
    if (action == pii::Action::allow && rule.action != action) return "left: the value is listed under never";
    return std::string(to_string(action)) + ": the score reaches the threshold of " + threshold;
  }

 private:
  // Shows the shape of pseudonyms without needing the master key; a gateway's own differ.
  static Secret example_key() { return Secret(std::string(32, 'x')); }

  pii::Scanner scanner_;
  std::shared_ptr<const pii::PolicyOptions> policy_;
  pii::Policies policies_;
  pii::Pseudonymiser pseudonymiser_;
};

json to_json(const Tool& tool, std::string_view text, const Scanned& scanned) {
  json findings = json::array();
  for (const auto& f : scanned.findings)
    findings.push_back({{"type", tool.name_of(f)},
                        {"start", pii::code_points(text.substr(0, f.start))},
                        {"end", pii::code_points(text.substr(0, f.end))},
                        {"start_byte", f.start},
                        {"end_byte", f.end},
                        {"score", f.score},
                        {"rule", tool.rule_of(f)},
                        {"terms", pii::terms_of(f)}});
  json out = {{"findings", std::move(findings)}};
  if (scanned.blocked.empty())
    out["scrubbed"] = scanned.scrubbed;
  else
    out["blocked"] = scanned.blocked;
  if (!tool.not_asked().empty()) out["not_asked"] = tool.not_asked();
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
    std::printf("%s\n", to_json(tool, text, tool.scan(text)).dump().c_str());
  }
  return failed;
}

std::string standard_input() { return {(std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>()}; }

// How often each action would be taken: no value, so that the output may be shown around.
int count_only(const Tool& tool) {
  const auto scanned = tool.scan(standard_input());
  for (const auto& [type, action, count] : scanned.counts.entries())
    std::printf("%-24s %-16s %lld\n", type.c_str(), std::string(to_string(action)).c_str(),
                static_cast<long long>(count));
  std::printf("%lld found%s\n", static_cast<long long>(scanned.counts.total()),
              scanned.blocked.empty() ? "" : "; the call would be refused");
  return 0;
}

// Each thing that looks like something, and why it is treated as it is.
int explain_text(const Tool& tool) {
  const std::string text = standard_input();
  const auto findings = tool.find(text);
  for (const auto& f : findings) {
    const auto value = std::string_view(text).substr(f.start, f.end - f.start);
    std::printf("%zu-%zu %s score %.2f by %s (%s) %s\n", f.start, f.end, tool.name_of(f).c_str(), f.score,
                tool.rule_of(f).c_str(), pii::terms_of(f).c_str(), tool.verdict(f, value).c_str());
  }
  if (findings.empty()) std::printf("nothing in this text looks like a type that the policy looks for\n");
  return 0;
}

int scan_text(const Tool& tool) {
  const std::string text = standard_input();
  const auto scanned = tool.scan(text);
  for (const auto& f : scanned.findings)
    std::printf("%-16s %6zu-%-6zu score %.2f  %.*s\n", tool.name_of(f).c_str(), f.start, f.end, f.score,
                static_cast<int>(f.end - f.start), text.data() + f.start);
  std::printf("%zu found\n", scanned.findings.size());
  if (!scanned.blocked.empty())
    std::printf("blocked: %s\n", scanned.blocked.c_str());
  else
    std::printf("--- scrubbed ---\n%s%s", scanned.scrubbed.c_str(), scanned.scrubbed.ends_with('\n') ? "" : "\n");
  return 0;
}

std::shared_ptr<const pii::PolicyOptions> named_policy(const ScanOptions& options) {
  if (options.policy.empty()) return std::make_shared<const pii::PolicyOptions>();
  const auto snapshot = load_or_complain(options.config, true);
  if (!snapshot) return nullptr;
  const auto it = snapshot->pii_policies.find(options.policy);
  if (it != snapshot->pii_policies.end()) return it->second;
  complain("no PII policy '" + options.policy + "' is configured");
  return nullptr;
}

// On standard error, beside whatever form the output has.
void warn_of_analysers(const Tool& tool) {
  for (const std::string& name : tool.not_asked())
    std::fprintf(stderr, "analyser '%s' was not asked: in a call the policy also acts on what it finds\n",
                 name.c_str());
}

int run_with(const ScanOptions& options, int (*job)(const Tool&)) {
  if (sodium_init() < 0) return complain("libsodium cannot start");
  auto policy = named_policy(options);
  if (!policy) return 1;
  const Tool tool(std::move(policy));
  warn_of_analysers(tool);
  return job(tool);
}

int scan(const ScanOptions& options) {
  if (options.dry_run) return run_with(options, count_only);
  return run_with(options, options.jsonl ? scan_lines : scan_text);
}

}  // namespace

void add_pii(CLI::App& app, Context& context) {
  auto* pii = app.add_subcommand("pii", "What the scrubber sees (works on standard input)");
  pii->require_subcommand(1);
  const auto command = [&](const char* name, const char* about, const std::shared_ptr<ScanOptions>& options) {
    auto* made = pii->add_subcommand(name, about);
    add_config_option(*made, options->config);
    made->add_option("--policy", options->policy, "A policy of the configuration; default: pseudonymise everything");
    return made;
  };
  auto options = std::make_shared<ScanOptions>();
  auto* scans = command("scan", "Read text on standard input; show what is found and what would be sent", options);
  scans->add_flag("--jsonl", options->jsonl,
                  "Each input line is {\"text\": ...}, each output line has findings and scrubbed");
  scans->add_flag("--dry-run", options->dry_run, "Only count what the policy would do, by type and action; no values")
      ->excludes("--jsonl");
  scans->callback([options, &context] { context.exit_code = scan(*options); });
  auto explained = std::make_shared<ScanOptions>();
  command("explain", "Read text on standard input; say of each thing that looks like something why it is left or not",
          explained)
      ->callback([explained, &context] { context.exit_code = run_with(*explained, explain_text); });
}

}  // namespace tollgate::cli
