#include "gateway/cli/usage.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "config/scalars.h"

namespace tollgate::cli {
namespace {

constexpr int kUsage = 2;

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });  // "": not shown
}

// How far the words name commands.
struct Reached {
  const CLI::App* command;
  std::string path = "tollgate";
  std::string_view next = {};  // the first word that names none; empty: there is none
};

Reached follow(const CLI::App& app, int argc, const char* const* argv) {
  Reached reached{&app};
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto commands = commands_of(*reached.command);
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const CLI::App* command) { return command->get_name() == word; });
    if (found == commands.end()) {
      reached.next = word;
      break;
    }
    reached.command = *found;
    reached.path.append(" ").append(word);
  }
  return reached;
}

int unknown_command(const Reached& reached) {
  std::vector<std::string_view> names;
  for (const CLI::App* command : commands_of(*reached.command)) names.push_back(command->get_name());
  std::fprintf(stderr, "%s: there is no command '%s'%s; `%s --help` lists them\n", reached.path.c_str(),
               config::printable(reached.next).c_str(), config::did_you_mean(reached.next, names).c_str(),
               reached.path.c_str());
  return kUsage;
}

}  // namespace

int explain(const CLI::App& app, const CLI::ParseError& error, int argc, const char* const* argv) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const Reached reached = follow(app, argc, argv);
  const bool wants_command = reached.command->get_require_subcommand_min() > 0;
  if (wants_command && !reached.next.empty() && !reached.next.starts_with('-')) return unknown_command(reached);
  if (wants_command && reached.next.empty()) {
    std::fprintf(stderr, "%s", reached.command->help().c_str());
    return kUsage;
  }
  std::fprintf(stderr, "%s: %s\n`%s --help` says more\n", reached.path.c_str(), error.what(), reached.path.c_str());
  return kUsage;
}

}  // namespace tollgate::cli
