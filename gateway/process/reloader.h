#pragma once
// Configuration files -> something to publish. Blocking: runs at start and on the blocking pool, never on a loop.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gateway/process/worker.h"

namespace tollgate::process {

struct Prepared {
  bool ok = false;
  Published published;             // credentials are filled by the caller
  std::vector<std::string> lines;  // the diff, or the problems
};

// Loads, validates, and builds what a configuration needs beyond its values (TLS context, pseudonym keys). Anything
// wrong leaves `ok` false and the running configuration alone.
Prepared prepare(const std::filesystem::path& config_file, const std::shared_ptr<const config::Snapshot>& running);

}  // namespace tollgate::process
