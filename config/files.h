#pragma once
// Files of a configuration: read with limits, and the list of what `include:` names. Blocking; nothing here throws.
#include <filesystem>
#include <string>
#include <vector>

#include "gateway/base/result.h"

namespace tollgate::config {

inline constexpr std::size_t kMaxFiles = 10'000;
inline constexpr std::size_t kMaxTotalBytes = 64 << 20;
inline constexpr std::size_t kMaxIncludeDepth = 16;

struct FileText {
  std::string bytes;
  unsigned mode = 0;  // permission bits of the file that was read
};

// A regular file of at most `max_bytes`. The error's message says what is wrong without naming the file: "does not
// exist", "is larger than 1 MiB". Never waits (a FIFO is refused).
Result<FileText> read_file(const std::filesystem::path& path, std::size_t max_bytes);

// The YAML files of one include pattern, sorted: `conf.d/**` and `conf.d` (everything below), `conf.d/*` (that
// directory only), or one file. Names that start with a dot are passed over (a Kubernetes volume keeps its versions
// there), and so is what does not end in .yaml or .yml. Symbolic links are followed, once per directory.
Result<std::vector<std::filesystem::path>> expand_include(const std::filesystem::path& base,
                                                          const std::string& pattern);

// `path` as seen from `base` when it lies below it, else as it is: how files are named in messages.
std::string display_name(const std::filesystem::path& path, const std::filesystem::path& base);

}  // namespace tollgate::config
