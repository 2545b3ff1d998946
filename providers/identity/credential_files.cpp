#include "providers/identity/credential_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "gateway/base/thread_name.h"

namespace tollgate::providers {
namespace {

Error failure(const std::string& path, int code) {
  const auto kind = code == ENOENT || code == ENOTDIR ? ErrorKind::not_found : ErrorKind::upstream_error;
  return Error{.kind = kind,
               .message = "the file " + path + " could not be read: " + std::system_category().message(code),
               .retryable = false};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<Secret> read_file(const std::string& path) {
  // O_NONBLOCK: a named pipe must not hold the thread.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failure(path, errno);
  struct stat facts = {};
  if (::fstat(file.get(), &facts) != 0) return failure(path, errno);
  if (!S_ISREG(facts.st_mode)) return failure(path, EINVAL);
  std::string bytes(CredentialFiles::kMaxBytes + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): next() has given its lock back
    const auto n = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure(path, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > CredentialFiles::kMaxBytes) return failure(path, EFBIG);
  Secret content(bytes.substr(0, size));
  explicit_bzero(bytes.data(), bytes.size());
  return content;
}

}  // namespace

struct CredentialFiles::Job {
  Job(std::string file, net::Executor loop, Done then)
      : path(std::move(file)), home(std::move(loop)), done(std::move(then)) {}

  const std::string path;
  const net::Executor home;
  const Done done;
  std::mutex mutex;                 // held while `wanted` is made false, and while the loop is posted to
  std::atomic<bool> wanted = true;  // its Reading lives, and so does its loop
  std::optional<Result<Secret>> result;
};

struct CredentialFiles::Shared {
  void run();
  std::shared_ptr<Job> next();
  static void answer(const std::shared_ptr<Job>& job);
  static void deliver(const std::shared_ptr<Job>& job);

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Job>> jobs;
  bool reading = false;
  bool stopped = false;
  std::thread thread;
};

void CredentialFiles::Shared::run() {
  name_this_thread("tollgate-files");
  while (const auto job = next()) answer(job);
}

// Null when it is over.
std::shared_ptr<CredentialFiles::Job> CredentialFiles::Shared::next() {
  std::unique_lock lock(mutex);
  reading = false;
  changed.wait(lock, [this] { return stopped || !jobs.empty(); });
  if (stopped) return nullptr;
  auto job = std::move(jobs.front());
  jobs.pop_front();
  reading = true;
  return job;
}

void CredentialFiles::Shared::answer(const std::shared_ptr<Job>& job) {
  if (!job->wanted) return;  // given up while it waited for its turn
  auto result = read_file(job->path);
  const std::lock_guard lock(job->mutex);
  if (!job->wanted) return;
  job->result.emplace(std::move(result));
  net::asio::post(job->home, [job] { deliver(job); });
}

// On the job's loop, as is ~Reading: the two cannot meet.
void CredentialFiles::Shared::deliver(const std::shared_ptr<Job>& job) {
  if (job->wanted) job->done(*std::exchange(job->result, std::nullopt));
}

CredentialFiles::Reading::~Reading() {
  const std::lock_guard lock(job_->mutex);
  job_->wanted = false;
}

CredentialFiles::CredentialFiles() : shared_(std::make_shared<Shared>()) {
  shared_->thread = std::thread([shared = shared_] { shared->run(); });
}

CredentialFiles::~CredentialFiles() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopped = true;
  shared_->changed.notify_all();
  // A read from a dead mount cannot be interrupted; its thread then touches nothing but what it shares.
  if (shared_->reading) shared_->thread.detach();
  lock.unlock();
  if (shared_->thread.joinable()) shared_->thread.join();
}

std::unique_ptr<CredentialFiles::Reading> CredentialFiles::read(std::string path, net::Executor home, Done done) {
  auto job = std::make_shared<Job>(std::move(path), std::move(home), std::move(done));
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.push_back(job);
  shared_->changed.notify_one();
  return std::make_unique<Reading>(std::move(job));
}

}  // namespace tollgate::providers
