#pragma once
// What a running gateway leaves in its state directory for the commands and people that talk to it: its process id, how
// its last reload went, and the token of its admin port.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::process {

// Holds `tollgate.pid`, locked for as long as this lives, so that two gateways never share a state directory.
class PidFile {
 public:
  static Result<PidFile> take(const std::filesystem::path& state_directory);
  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();

 private:
  PidFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_;
};

// The process that holds the lock; nullopt when none runs.
std::optional<int> running_pid(const std::filesystem::path& state_directory);

// Written (atomically, by rename) after the start and after every reload.
struct ReloadStatus {
  std::int64_t sequence = 0;  // grows by one each time
  std::int64_t generation = 0;
  bool ok = true;
  std::vector<std::string> lines;  // what changed, or what is wrong
};
Status write_reload_status(const std::filesystem::path& state_directory, const ReloadStatus& status);
std::optional<ReloadStatus> read_reload_status(const std::filesystem::path& state_directory);

// A new token for the admin port, also written to `admin.token`, which only its owner may read.
Result<Secret> make_admin_token(const std::filesystem::path& state_directory);

}  // namespace tollgate::process
