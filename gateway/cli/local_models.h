#pragma once
#include <CLI/App.hpp>

#include "gateway/cli/commands.h"

namespace tollgate::cli {

// models status, load, swap, rollback: the local models of the running gateway.
void add_local_models(CLI::App& models, Context& context);

}  // namespace tollgate::cli
