#pragma once
// Reads the small files that platforms put tokens into, off the loops: a disk may be slow, and a mount may hang.
#include <functional>
#include <memory>
#include <string>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/net/task.h"

namespace tollgate::providers {

// One per process, shared by all workers; thread-safe. One thread of its own reads one file after the other.
class CredentialFiles {
  struct Shared;
  struct Job;

 public:
  static constexpr std::size_t kMaxBytes = 256 * 1024;
  using Done = std::function<void(Result<Secret>)>;

  // A file being read. Destroying it on its loop forgets the answer: `done` is not called any more.
  class Reading {
   public:
    explicit Reading(std::shared_ptr<Job> job) : job_(std::move(job)) {}
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    std::shared_ptr<Job> job_;
  };

  CredentialFiles();
  ~CredentialFiles();
  CredentialFiles(const CredentialFiles&) = delete;
  CredentialFiles& operator=(const CredentialFiles&) = delete;

  // Calls `done` once on the loop of `home`, never inside read(). Errors: not_found, upstream_error (no regular file,
  // not readable, over 256 KiB); the message names the path and the reason.
  std::unique_ptr<Reading> read(std::string path, net::Executor home, Done done);

 private:
  std::shared_ptr<Shared> shared_;  // with the thread, which may be inside the kernel when this goes
};

}  // namespace tollgate::providers
