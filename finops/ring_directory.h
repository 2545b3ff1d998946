#pragma once
// The directory of ring files: who owns which, and what a dead process left. Private.
#include <filesystem>
#include <memory>
#include <set>
#include <vector>

#include "finops/ring.h"
#include "gateway/base/ids.h"
#include "gateway/base/result.h"

namespace tollgate::finops {

// Holds the directory's start-up lock for its lifetime: processes that start together find and make rings one after
// the other. Used by one thread.
class RingDirectory {
 public:
  // Makes the directory where it is missing; waits for the lock.
  static Result<RingDirectory> open(const std::filesystem::path& path);

  struct Leftovers {
    std::vector<std::unique_ptr<Ring>> rings;    // nobody owns them any more; locked by us now
    std::set<Uuid> living;                       // owners of the others: none of their intents may be estimated
    std::vector<std::filesystem::path> damaged;  // set aside under *.damaged, for a person to look at
    struct Unreadable {
      std::filesystem::path path;
      std::string why;
    };
    std::vector<Unreadable> unreadable;  // left where they are, for the next start; their owners count as living
  };
  Result<Leftovers> adopt() const;

  Result<std::unique_ptr<Ring>> create(const Uuid& owner, std::size_t worker, std::size_t bytes) const;

 private:
  // Closes, and so unlocks.
  struct Close {
    void operator()(const int* fd) const;
  };
  RingDirectory(std::filesystem::path path, int fd) : path_(std::move(path)), lock_(new int(fd)) {}

  std::filesystem::path path_;
  std::unique_ptr<int, Close> lock_;
};

// Renames a ring or file that cannot be read any further to *.damaged. Returns the new name.
std::filesystem::path set_aside(const std::filesystem::path& path);

}  // namespace tollgate::finops
