#include "config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include "config/scalars.h"

namespace tollgate::config {
namespace {

namespace fs = std::filesystem;

Error failure(std::string message) { return Error{ErrorKind::invalid_request, std::move(message)}; }

std::string reason(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "does not exist";
    case EACCES:
    case EPERM:
      return "may not be read by this user";
    case ELOOP:
      return "is a symbolic link that leads to itself";
    default:
      return "cannot be read: " + std::generic_category().message(error);
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Walks directories below one include pattern.
class Walker {
 public:
  explicit Walker(bool recursive) : recursive_(recursive) {}

  Status walk(const fs::path& directory, std::size_t depth) {
    std::error_code error;
    const fs::path real = fs::canonical(directory, error);
    if (error) return failure(directory.string() + " " + reason(error.value()));
    if (!seen_.insert(real).second) return {};  // a link back: it was read already
    if (depth > kMaxIncludeDepth) return failure(directory.string() + " is nested deeper than 16 directories");
    TG_TRY(const std::vector<fs::path> entries, sorted_entries(directory));
    for (const fs::path& entry : entries) {
      TG_CHECK(visit(entry, depth));
    }
    return {};
  }

  std::vector<fs::path> take() { return std::move(files_); }

 private:
  static Result<std::vector<fs::path>> sorted_entries(const fs::path& directory) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
      if (entries.size() > kMaxFiles) return failure(directory.string() + " holds more than 10000 entries");
    }
    if (error) return failure(directory.string() + " " + reason(error.value()));
    std::sort(entries.begin(), entries.end());
    return entries;
  }

  Status visit(const fs::path& entry, std::size_t depth) {
    std::error_code error;
    const fs::file_status status = fs::status(entry, error);
    if (fs::is_directory(status)) return recursive_ ? walk(entry, depth + 1) : Status();
    const fs::path extension = entry.extension();
    if (extension != ".yaml" && extension != ".yml") return {};
    if (files_.size() >= kMaxFiles) return failure("more than 10000 files are included");
    files_.push_back(entry);  // a dangling link is reported when it is read
    return {};
  }

  bool recursive_;
  std::set<fs::path> seen_;
  std::vector<fs::path> files_;
};

}  // namespace

Result<FileText> read_file(const fs::path& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failure(reason(errno));
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return failure(reason(errno));
  if (S_ISDIR(facts.st_mode)) return failure("is a directory");
  if (!S_ISREG(facts.st_mode)) return failure("is not a regular file");
  FileText text;
  text.mode = facts.st_mode & 07777U;
  const auto too_large = [&] { return failure("is larger than " + format_size(max_bytes)); };
  if (static_cast<std::uint64_t>(facts.st_size) > max_bytes) return too_large();
  // One byte more than expected, so that a file that grows meanwhile is seen.
  text.bytes.resize(static_cast<std::size_t>(facts.st_size) + 1);
  std::size_t have = 0;
  for (;;) {
    const ssize_t got = ::read(file.get(), text.bytes.data() + have, text.bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(reason(errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
    if (have > max_bytes) return too_large();
    if (have == text.bytes.size()) text.bytes.resize(std::min(max_bytes, have * 2) + 1);
  }
  text.bytes.resize(have);
  return text;
}

Result<std::vector<fs::path>> expand_include(const fs::path& base, const std::string& pattern) {
  std::string name = pattern;
  bool recursive = true;
  if (name == "**" || name.ends_with("/**")) {
    name.resize(name.size() - 2);
  } else if (name == "*" || name.ends_with("/*")) {
    name.resize(name.size() - 1);
    recursive = false;
  }
  if (name.find_first_of("*?[") != std::string::npos) {
    return failure("wildcards are only understood at the end: 'conf.d/**' or 'conf.d/*'");
  }
  const fs::path start = base / name;
  std::error_code error;
  const fs::file_status status = fs::status(start, error);
  if (!fs::exists(status)) return failure(name + " " + reason(error ? error.value() : ENOENT));
  if (!fs::is_directory(status)) return std::vector<fs::path>{start};
  Walker walker(recursive);
  TG_CHECK(walker.walk(start, 0));
  return walker.take();
}

std::string display_name(const fs::path& path, const fs::path& base) {
  const fs::path relative = path.lexically_normal().lexically_relative(base.lexically_normal());
  const bool below = !relative.empty() && *relative.begin() != "..";
  return below ? relative.string() : path.string();
}

}  // namespace tollgate::config
