#pragma once
// A process that is started with one end of a pair of sockets, and its death. Linux.
#include <sys/types.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::local_backend {

// With what errno says.
std::runtime_error system_failure(const char* what);

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// A running worker (worker.h) and the socket to it. Kills it at the end. Throws std::runtime_error where it cannot be
// started.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command) : socket_(start(command)) {}
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  int socket() const { return socket_.get(); }

 private:
  Descriptor start(const std::vector<std::string>& command);
  void spawn(const std::vector<char*>& arguments, int socket);

  pid_t pid_ = -1;
  Descriptor socket_;
};

}  // namespace tollgate::local_backend
