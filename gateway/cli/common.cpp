#include "gateway/cli/common.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "config/load.h"

namespace tollgate::cli {

void add_config_option(CLI::App& command, std::string& file) {
  file = "tollgate.yaml";
  command.add_option("-c,--config", file, "The main configuration file")
      ->envname("TOLLGATE_CONFIG")
      ->capture_default_str();
}

std::shared_ptr<const config::Snapshot> load_or_complain(const std::string& file, bool offline) {
  config::LoadOptions options;
  options.offline = offline;
  auto loaded = config::load(file, options);
  for (const auto& problem : loaded.problems) std::fprintf(stderr, "%s\n", problem.to_string().c_str());
  return loaded.snapshot;
}

int complain(const std::string& message) {
  std::fprintf(stderr, "tollgate: %s\n", message.c_str());
  return 1;
}

}  // namespace tollgate::cli
