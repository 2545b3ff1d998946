#include <algorithm>
#include <numeric>

#include "pii/pii.h"

namespace tollgate::pii {
std::int64_t Counts::total() const { return std::accumulate(std::begin(by_type), std::end(by_type), std::int64_t{0}); }

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace tollgate::pii
