// The `tollgate` program: a table of commands.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string_view>

#include "gateway/cli/allocator.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/usage.h"
#include "gateway/version.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "serve") tollgate::cli::tune_allocator(argv);
  CLI::App app{
      "Tollgate: one gateway in front of every model call.\n"
      "Authenticates, scrubs personal data, limits, routes, meters and records; speaks the OpenAI API.\n"
      "Start with `tollgate init DIR`, then `tollgate serve -c DIR/tollgate.yaml`."};
  app.name("tollgate");
  app.set_version_flag("--version", std::string("tollgate ") + tollgate::kVersion);
  app.require_subcommand(1);
  tollgate::cli::Context context;
  tollgate::cli::add_serve(app, context);
  tollgate::cli::add_reload(app, context);
  tollgate::cli::add_init(app, context);
  tollgate::cli::add_trust(app, context);
  tollgate::cli::add_config(app, context);
  tollgate::cli::add_keys(app, context);
  tollgate::cli::add_models(app, context);
  tollgate::cli::add_providers(app, context);
  tollgate::cli::add_report(app, context);
  tollgate::cli::add_ledger(app, context);
  tollgate::cli::add_pii(app, context);
  tollgate::cli::add_local_worker(app, context);
  tollgate::cli::add_secret(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return tollgate::cli::explain(app, error, argc, argv);
  }
  return context.exit_code;
}
