#pragma once
// models inspect: see inspect.cpp.
#include <CLI/App.hpp>

#include "gateway/cli/commands.h"

namespace tollgate::cli {

void add_inspect(CLI::App& models, Context& context);

}  // namespace tollgate::cli
