#pragma once
// What a command line that cannot be read is answered with.
#include <CLI/App.hpp>
#include <CLI/Error.hpp>

namespace tollgate::cli {

// Prints the help that was asked for, or what is wrong with the words: a command that does not exist is named, with the
// one that was probably meant. Returns the exit code: 0 for help and the version, else 2.
int explain(const CLI::App& app, const CLI::ParseError& error, int argc, const char* const* argv);

}  // namespace tollgate::cli
