#include "gateway/process/state_files.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

namespace tollgate::process {
namespace {

using nlohmann::json;

constexpr const char* kPidFile = "tollgate.pid";
constexpr const char* kReloadFile = "reload.json";
constexpr const char* kTokenFile = "admin.token";

Error cannot(const std::string& what, const std::filesystem::path& path) {
  return Error{ErrorKind::internal, "cannot " + what + " " + path.string() + ": " + std::strerror(errno)};
}

}  // namespace

Result<PidFile> PidFile::take(const std::filesystem::path& state_directory) {
  const auto path = state_directory / kPidFile;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return cannot("open", path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return Error{ErrorKind::internal,
                 "another tollgate runs on " + state_directory.string() + ": stop it, or use another state_directory"};
  }
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    ::close(fd);
    return cannot("write", path);
  }
  return PidFile(path, fd);
}

PidFile::PidFile(PidFile&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

PidFile::~PidFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<int> running_pid(const std::filesystem::path& state_directory) {
  const auto path = state_directory / kPidFile;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const bool free = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  ::close(fd);
  if (free) return std::nullopt;
  int pid = 0;
  std::ifstream(path) >> pid;
  return pid > 0 ? std::optional<int>(pid) : std::nullopt;
}

Status write_reload_status(const std::filesystem::path& state_directory, const ReloadStatus& status) {
  const auto path = state_directory / kReloadFile;
  const auto fresh = state_directory / "reload.json.new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    out << json{{"sequence", status.sequence},
                {"generation", status.generation},
                {"ok", status.ok},
                {"lines", status.lines}}
               .dump(1)
        << "\n";
    if (!out.good()) return cannot("write", fresh);
  }
  std::error_code failure;
  std::filesystem::rename(fresh, path, failure);
  if (failure) return Error{ErrorKind::internal, "cannot rename " + fresh.string() + ": " + failure.message()};
  return {};
}

std::optional<ReloadStatus> read_reload_status(const std::filesystem::path& state_directory) {
  std::ifstream in(state_directory / kReloadFile);
  const json j = json::parse(in, nullptr, false);
  if (!j.is_object()) return std::nullopt;
  ReloadStatus status;
  status.sequence = j.value("sequence", std::int64_t{0});
  status.generation = j.value("generation", std::int64_t{0});
  status.ok = j.value("ok", false);
  status.lines = j.value("lines", std::vector<std::string>());
  return status;
}

Result<Secret> make_admin_token(const std::filesystem::path& state_directory) {
  std::array<unsigned char, 24> random{};
  randombytes_buf(random.data(), random.size());
  std::string text(sodium_base64_ENCODED_LEN(random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), random.data(), random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the terminating zero
  const auto path = state_directory / kTokenFile;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::ofstream out(path);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
  out << text << "\n";
  if (!out.flush()) return cannot("write", path);
  return Secret(std::move(text));
}

}  // namespace tollgate::process
