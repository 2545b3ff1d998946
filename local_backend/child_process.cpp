#include "local_backend/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "local_backend/worker.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX wants it declared by who uses it

namespace tollgate::local_backend {
namespace {

// What a model's process needs to know; not the secrets that the gateway may have been given by its environment.
std::vector<char*> environment() {
  constexpr std::string_view kPassed[] = {"CUDA_", "NVIDIA_", "LD_", "ASAN_", "LSAN_", "TSAN_", "UBSAN_", "GLIBC_"};
  std::vector<char*> out;
  for (char** entry = environ; *entry != nullptr; ++entry)
    for (const auto prefix : kPassed)
      if (std::string_view(*entry).starts_with(prefix)) out.push_back(*entry);
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::runtime_error system_failure(const char* what) {
  return std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Child::~Child() {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Descriptor Child::start(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    throw system_failure("socketpair");
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  ::fcntl(theirs.get(), F_SETFL, 0);  // the worker waits where it writes
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  spawn(arguments, theirs.get());
  return ours;
}

// With this one socket and the standard streams, and with no signal blocked.
void Child::spawn(const std::vector<char*>& arguments, int socket) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, socket, kWorkerSocket);
  posix_spawn_file_actions_addclosefrom_np(&files, kWorkerSocket + 1);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int failure =
      ::posix_spawn(&pid_, arguments.front(), &files, &attributes, arguments.data(), environment().data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failure == 0) return;
  errno = failure;
  throw system_failure(arguments.front());
}

}  // namespace tollgate::local_backend
