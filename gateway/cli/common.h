#pragma once
// What several commands share.
#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "config/snapshot.h"

namespace tollgate::cli {

// Adds --config (default: $TOLLGATE_CONFIG, then ./tollgate.yaml). `file` must outlive the app.
void add_config_option(CLI::App& command, std::string& file);

// Loads the configuration or prints its problems to standard error and returns null.
// `offline`: secret files and certificates need not be readable.
std::shared_ptr<const config::Snapshot> load_or_complain(const std::string& file, bool offline);

// "tollgate: <message>" on standard error; returns 1, for `context.exit_code = complain(...)`.
int complain(const std::string& message);

}  // namespace tollgate::cli
