#pragma once
// The commands of the `tollgate` program. Each adds itself to the command line and returns what its run shall do.
#include <CLI/App.hpp>
#include <functional>

namespace tollgate::cli {

// A command's callback sets `exit_code`; CLI11 prints --help and usage errors.
struct Context {
  int exit_code = 0;
};

void add_serve(CLI::App& app, Context& context);
void add_reload(CLI::App& app, Context& context);
void add_init(CLI::App& app, Context& context);
void add_trust(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_keys(CLI::App& app, Context& context);
void add_models(CLI::App& app, Context& context);
void add_report(CLI::App& app, Context& context);
void add_ledger(CLI::App& app, Context& context);
void add_pii(CLI::App& app, Context& context);
void add_providers(CLI::App& app, Context& context);
void add_local_worker(CLI::App& app, Context& context);
void add_secret(CLI::App& app, Context& context);

}  // namespace tollgate::cli
