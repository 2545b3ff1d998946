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

int reload(const std::string& file, int wait_seconds) {
  const auto snapshot = load_or_complain(file, true);
  if (!snapshot)
    std::fputs("The files have the problems above; the running gateway will say the same and keep what it has.\n",
               stderr);
  // The state directory comes from the file; a broken file may still sit beside the default one.
  const auto state = snapshot ? snapshot->state_directory : std::filesystem::path(file).parent_path() / "state";
  const auto pid = process::running_pid(state);
  if (!pid) return complain("no gateway runs on " + state.string());
  const auto before = process::read_reload_status(state);
  const auto sequence = before ? before->sequence : 0;
  if (::kill(*pid, SIGHUP) != 0) return complain("cannot signal process " + std::to_string(*pid));
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(wait_seconds);
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
                  std::to_string(wait_seconds) + " s; its log says why");
}

}  // namespace

void add_reload(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "reload", "Make the running gateway read its files again; prints what changed (works on the live gateway)");
  auto file = std::make_shared<std::string>();
  auto wait = std::make_shared<int>(30);
  add_config_option(*command, *file);
  command->add_option("--wait", *wait, "Seconds to wait for the result")->capture_default_str();
  command->callback([file, wait, &context] { context.exit_code = reload(*file, *wait); });
}

}  // namespace tollgate::cli
