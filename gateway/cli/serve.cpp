// serve, reload: the running gateway and the signal that makes it read its files again.
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"
#include "gateway/process/serve.h"
#include "gateway/process/state_files.h"

namespace tollgate::cli {

void add_serve(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("serve", "Run the gateway (works on files; SIGHUP reloads, SIGTERM drains)");
  auto file = std::make_shared<std::string>();
  add_config_option(*command, *file);
  command->callback([file, &context] { context.exit_code = process::serve(*file); });
}

namespace {

struct ReloadOptions {
  std::string file;
  std::string state_directory;  // empty: what the file says
  int wait_seconds = 30;
};

std::filesystem::path state_of(const ReloadOptions& options, const config::Snapshot* snapshot) {
  if (!options.state_directory.empty()) return options.state_directory;
  if (snapshot != nullptr) return snapshot->state_directory;
  return std::filesystem::path(options.file).parent_path() / "state";  // the default, of a file that cannot be read
}

int reload(const ReloadOptions& options) {
  const auto snapshot = load_or_complain(options.file, true);
  if (!snapshot)
    std::fputs("The files have the problems above; the running gateway will say the same and keep what it has.\n",
               stderr);
  const auto state = state_of(options, snapshot.get());
  const auto pid = process::running_pid(state);
  if (!pid)
    return complain("no gateway runs on " + state.string() +
                    "; if it was started with another state_directory, name that with --state-directory");
  const auto before = process::read_reload_status(state);
  const auto sequence = before ? before->sequence : 0;
  if (::kill(*pid, SIGHUP) != 0) return complain("cannot signal process " + std::to_string(*pid));
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(options.wait_seconds);
  while (std::chrono::steady_clock::now() < give_up) {
    const auto after = process::read_reload_status(state);
    if (after && after->sequence > sequence) {
      for (const auto& line : after->lines) std::printf("%s\n", line.c_str());
      if (after->ok && after->lines.empty()) std::puts("nothing changed");
      std::printf(after->ok ? "generation %lld is in force\n" : "refused: generation %lld stays in force\n",
                  static_cast<long long>(after->generation));
      return after->ok ? 0 : 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return complain("the gateway (process " + std::to_string(*pid) + ") did not report a reload in " +
                  std::to_string(options.wait_seconds) + " s; its log says why");
}

}  // namespace

void add_reload(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "reload", "Make the running gateway read its files again; prints what changed (works on the live gateway)");
  auto options = std::make_shared<ReloadOptions>();
  add_config_option(*command, options->file);
  command->add_option("--wait", options->wait_seconds, "Seconds to wait for the result")->capture_default_str();
  command->add_option("--state-directory", options->state_directory,
                      "Where the running gateway keeps its state, if the files no longer say so");
  command->callback([options, &context] { context.exit_code = reload(*options); });
}

}  // namespace tollgate::cli
