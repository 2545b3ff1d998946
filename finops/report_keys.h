#pragma once
// What a report may be by: the name people type and read, and the ledger column behind it.
#include <array>

#include "finops/ledger.h"

namespace tollgate::finops {

struct ReportKey {
  ReportBy by;
  const char* name;
  const char* column;  // an expression over the ledger's columns
};

// In the order of ReportBy.
inline constexpr std::array kReportKeys = {
    ReportKey{ReportBy::department, "department", "department"},
    ReportKey{ReportBy::cost_center, "cost_center", "cost_center"},
    ReportKey{ReportBy::application, "application", "department || '/' || application"},  // ids are a department's
    ReportKey{ReportBy::credential, "key", "credential"},
    ReportKey{ReportBy::model, "model", "model_served"},
    ReportKey{ReportBy::provider, "provider", "provider"},
};

constexpr const ReportKey& report_key(ReportBy by) { return kReportKeys[static_cast<std::size_t>(by)]; }

static_assert(kReportKeys.size() == static_cast<std::size_t>(ReportBy::provider) + 1);
static_assert([] {
  for (const auto& key : kReportKeys)
    if (&report_key(key.by) != &key) return false;
  return true;
}());

}  // namespace tollgate::finops
