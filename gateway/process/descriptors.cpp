#include "gateway/process/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <utility>

namespace tollgate::process {

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<std::size_t>::max();
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

std::size_t open_descriptors() {
  std::error_code failure;
  const std::filesystem::directory_iterator open("/proc/self/fd", failure);
  return failure ? 0 : static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

std::size_t carried_connections(std::size_t limit, std::size_t open) {
  constexpr std::size_t kLater = 64;
  const std::size_t taken = open + kLater;
  return limit > taken + 2 ? (limit - taken) / 2 : 1;
}

}  // namespace tollgate::process
