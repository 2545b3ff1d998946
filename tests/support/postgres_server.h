#pragma once
// A real PostgreSQL of one's own for a test: fresh data directory, Unix socket only, durable as in production.
// Needs Debian's server binaries; `available()` tells, so that a test can be skipped where they are missing.
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tollgate::test_support {

// Not thread-safe. Linux only. The server refuses to run as root: as root it runs as user `postgres`.
class PostgresServer {
 public:
  static bool available() { return std::filesystem::exists(binary("postgres")); }

  // Makes the data directory and starts the server. Throws std::runtime_error where that fails.
  PostgresServer() {
    char name[] = "/tmp/tollgate-pg-XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp failed");
    root_ = name;
    if (const auto* user = server_user(); user != nullptr)
      if (::chown(name, user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown failed");
    if (run({binary("initdb"), "-D", data(), "-U", "tollgate", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"}) != 0)
      throw std::runtime_error("initdb failed, see " + log());
    start();
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    resume();
    if (running_) stop();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::string url() const { return "postgresql://tollgate@/postgres?host=" + root_; }

  void start() {
    const std::string settings = "-c listen_addresses='' -k " + root_ + " -c max_connections=20 -c shared_buffers=16MB";
    if (run({binary("pg_ctl"), "-D", data(), "-l", log(), "-w", "-t", "60", "-o", settings, "start"}) != 0)
      throw std::runtime_error("pg_ctl start failed, see " + log());
    running_ = true;
  }
  // "immediate" is what a crash looks like to the clients and to the disk; "fast" ends sessions and shuts down cleanly.
  void stop(std::string_view mode = "immediate") {
    run({binary("pg_ctl"), "-D", data(), "-w", "-m", std::string(mode), "stop"});
    running_ = false;
  }
  // Runs SQL as its owner; false where it fails.
  bool execute(const std::string& sql) const {
    return run({binary("psql"), "-v", "ON_ERROR_STOP=1", "-q", "-c", sql, url()}) == 0;
  }
  // Stops every process of the server without ending it: connections stay open and nobody answers.
  void freeze() { signal_all(SIGSTOP); }
  void resume() {
    for (const auto pid : frozen_) ::kill(pid, SIGCONT);
    frozen_.clear();
  }

 private:
  static std::string binary(const std::string& name) { return "/usr/lib/postgresql/15/bin/" + name; }
  static const passwd* server_user() { return ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr; }
  std::string data() const { return root_ + "/data"; }
  std::string log() const { return root_ + "/log"; }

  // Runs to the end, output to the log file. Returns the exit code, or -1.
  int run(std::vector<std::string> command) const {
    if (server_user() != nullptr) command.insert(command.begin(), {"runuser", "-u", "postgres", "--"});
    std::vector<char*> arguments;
    for (auto& part : command) arguments.push_back(part.data());
    arguments.push_back(nullptr);
    const std::string out = root_ + "/commands";
    const pid_t child = ::fork();
    if (child == 0) {
      const int fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      ::dup2(fd, STDOUT_FILENO);
      ::dup2(fd, STDERR_FILENO);
      if (::chdir("/") == 0) ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  pid_t postmaster() const {
    std::ifstream file(data() + "/postmaster.pid");
    pid_t pid = 0;
    file >> pid;
    return pid;
  }
  void signal_all(int signal) {
    const pid_t parent = postmaster();
    if (parent <= 0) return;
    frozen_ = {parent};
    std::ifstream children("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children");
    for (pid_t pid = 0; children >> pid;) frozen_.push_back(pid);
    for (const auto pid : frozen_) ::kill(pid, signal);
  }

  std::string root_;
  bool running_ = false;
  std::vector<pid_t> frozen_;
};

}  // namespace tollgate::test_support
