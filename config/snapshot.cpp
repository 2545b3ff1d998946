#include "config/snapshot.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tollgate::config {

bool Department::may_use(const std::string& model) const {
  return std::binary_search(models.begin(), models.end(), model);
}

const std::string& Department::cost_center_at(std::chrono::system_clock::time_point when) const {
  static const std::string kNone;
  const bool always_one = cost_centers.size() == 1 && cost_centers.front().from == kAlways;
  if (always_one) return cost_centers.front().id;
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(when));
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  const std::string* found = &kNone;
  for (const DatedCostCenter& dated : cost_centers) {
    if (dated.from <= text.data()) found = &dated.id;  // ISO dates sort as text
  }
  return *found;
}

const Application* Department::application(const std::string& wanted) const {
  for (const Application& one : applications) {
    if (one.id == wanted) return &one;
  }
  return nullptr;
}

}  // namespace tollgate::config
