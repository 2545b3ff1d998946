#include "finops/ring_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

namespace tollgate::finops {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtension = ".ring";
constexpr std::size_t kUuidLength = 36;

Error directory_error(const fs::path& path, const std::error_code& code) {
  return Error{ErrorKind::internal, "ledger ring directory " + path.string() + ": " + code.message()};
}

}  // namespace

void RingDirectory::Close::operator()(const int* fd) const {
  ::close(*fd);
  delete fd;
}

Result<RingDirectory> RingDirectory::open(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) return directory_error(path, code);
  const int fd = ::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return directory_error(path, std::error_code(errno, std::generic_category()));
  RingDirectory directory(path, fd);
  while (::flock(fd, LOCK_EX) != 0)
    if (errno != EINTR) return directory_error(path, std::error_code(errno, std::generic_category()));
  return directory;
}

Result<RingDirectory::Leftovers> RingDirectory::adopt() const {
  Leftovers left;
  std::error_code code;
  fs::directory_iterator entries(path_, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    const auto& path = entries->path();
    if (path.extension() != kExtension) continue;
    auto [found, ring, why] = Ring::adopt(path);
    if (found == Ring::Found::adopted) left.rings.push_back(std::move(ring));
    if (found == Ring::Found::unfinished) ::unlink(path.c_str());
    if (found == Ring::Found::damaged) left.damaged.push_back(set_aside(path));
    if (found == Ring::Found::unreadable) left.unreadable.push_back({path, std::move(why)});
    if (found == Ring::Found::owned || found == Ring::Found::unreadable)
      if (const auto owner = Uuid::parse(path.stem().string().substr(0, kUuidLength))) left.living.insert(*owner);
  }
  if (code) return directory_error(path_, code);
  return left;
}

Result<std::unique_ptr<Ring>> RingDirectory::create(const Uuid& owner, std::size_t worker, std::size_t bytes) const {
  return Ring::create(path_ / (owner.to_string() + "-" + std::to_string(worker) + std::string(kExtension)), bytes,
                      owner);
}

fs::path set_aside(const fs::path& path) {
  fs::path aside = path;
  aside += ".damaged";
  std::error_code ignored;  // the name is only for people; the file keeps its old one where this fails
  fs::rename(path, aside, ignored);
  return aside;
}

}  // namespace tollgate::finops
