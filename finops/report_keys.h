#pragma once
// What a report may be by: its name in output, and the ledger column behind it. Private to this folder.
#include <array>

#include "finops/ledger.h"

namespace tollgate::finops {

struct ReportKey {
  const char* name;
  const char* column;
};

// In the order of ReportBy.
inline constexpr std::array kReportKeys = {
    ReportKey{"department", "department"},   ReportKey{"cost_center", "cost_center"},
    ReportKey{"application", "application"}, ReportKey{"credential", "credential"},
    ReportKey{"model", "model_served"},      ReportKey{"provider", "provider"},
};
static_assert(kReportKeys.size() == static_cast<std::size_t>(ReportBy::provider) + 1);

inline const ReportKey& report_key(ReportBy by) { return kReportKeys[static_cast<std::size_t>(by)]; }

}  // namespace tollgate::finops
