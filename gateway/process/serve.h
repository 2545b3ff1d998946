#pragma once
// The running gateway: everything is built and wired by hand here.
#include <filesystem>

namespace tollgate::process {

// Serves until SIGTERM or SIGINT, reloads on SIGHUP. Returns the exit code; start-up problems are printed to standard
// error in words an operator can act on.
int serve(const std::filesystem::path& config_file);

}  // namespace tollgate::process
