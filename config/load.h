#pragma once
// Files -> Snapshot, strictly: duplicate and unknown keys, unitless durations and money, octal-looking numbers and
// dangling names are errors that name file, line and path.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/snapshot.h"

namespace tollgate::config {

struct Problem {
  std::string file;
  int line = 0;      // 1-based; 0 = the file as a whole
  std::string path;  // "budgets[0].amount"; may be empty
  std::string message;
  // "departments/retail.yaml:7 budgets[0].amount: expected an amount such as 5000 USD"
  std::string to_string() const;
};

struct LoadResult {
  std::shared_ptr<const Snapshot> snapshot;  // null when there are problems
  std::vector<Problem> problems;
};

struct LoadOptions {
  // Offline: secret files and certificates need not exist (config check on a laptop).
  bool offline = false;
  // Parts equal to this snapshot's are shared with it; its generation plus one is given.
  std::shared_ptr<const Snapshot> previous;
};

// Reads the main file and its includes. Blocking; never on a worker. Never throws for what a file can cause.
LoadResult load(const std::filesystem::path& main_file, const LoadOptions& options = {});

// What changed, in people's words: "department retail: requests_per_minute 600 -> 1200". Secrets are named, not shown.
// Entries that need a restart say so.
std::vector<std::string> semantic_diff(const Snapshot& from, const Snapshot& to);

// `wanted` as a reload can put it in force: what needs a restart stays as `running` has it, so that a process never
// acts by half a change, and so that the next reload's diff names it again.
std::shared_ptr<const Snapshot> without_restart(const Snapshot& running, const Snapshot& wanted);

// The published JSON Schema (draft 2020-12) of the main file and the included ones.
std::string json_schema();

}  // namespace tollgate::config
