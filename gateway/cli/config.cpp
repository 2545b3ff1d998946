// config check|schema|diff: reading configurations without running them.
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>

#include "config/load.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"

namespace tollgate::cli {
namespace {

int check(const std::string& file, bool offline) {
  const auto snapshot = load_or_complain(file, offline);
  if (!snapshot) return 1;
  std::printf("%s is fine: %zu departments, %zu models, %zu providers\n", file.c_str(), snapshot->departments.size(),
              snapshot->models.size(), snapshot->providers.size());
  return 0;
}

int diff(const std::string& from_file, const std::string& to_file) {
  const auto from = load_or_complain(from_file, true);
  const auto to = load_or_complain(to_file, true);
  if (!from || !to) return 1;
  const auto lines = config::semantic_diff(*from, *to);
  for (const auto& line : lines) std::printf("%s\n", line.c_str());
  if (lines.empty()) std::puts("no difference");
  return 0;
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
  auto* config = app.add_subcommand("config", "Check, compare and describe configurations (works on files)");
  config->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto offline = std::make_shared<bool>(false);
  auto* c = config->add_subcommand("check", "Read the files as `serve` would; exit code 0 when they are fine");
  add_config_option(*c, *file);
  c->add_flag("--offline", *offline, "Do not need the secret files and certificates");
  c->callback([file, offline, &context] { context.exit_code = check(*file, *offline); });

  auto* s = config->add_subcommand("schema", "Print the JSON Schema of the files");
  s->callback([] { std::fputs(config::json_schema().c_str(), stdout); });

  auto from = std::make_shared<std::string>();
  auto to = std::make_shared<std::string>();
  auto* d = config->add_subcommand("diff", "What would change from one configuration to another, in words");
  d->add_option("from", *from, "Main file in force")->required();
  d->add_option("to", *to, "Main file to compare")->required();
  d->callback([from, to, &context] { context.exit_code = diff(*from, *to); });
}

}  // namespace tollgate::cli
