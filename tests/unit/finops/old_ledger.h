#pragma once
// A ledger as the version before upstream_request_id, audio_ms and compute_us wrote it.
#include <string>

namespace tollgate::finops::samples {

struct OldColumn {
  const char* name;
  const char* sqlite;
  const char* postgres;
};
inline constexpr OldColumn kOldColumns[] = {
    {"event_id", "BLOB", "uuid"},
    {"request_id", "BLOB", "uuid"},
    {"attempt", "INTEGER", "bigint"},
    {"started_at_ms", "INTEGER", "bigint"},
    {"organisation", "TEXT", "text"},
    {"department", "TEXT", "text"},
    {"cost_center", "TEXT", "text"},
    {"application", "TEXT", "text"},
    {"purpose", "TEXT", "text"},
    {"use_case", "TEXT", "text"},
    {"credential", "TEXT", "text"},
    {"user_hash", "TEXT", "text"},
    {"operation", "TEXT", "text"},
    {"stream", "INTEGER", "boolean"},
    {"model_asked", "TEXT", "text"},
    {"model_served", "TEXT", "text"},
    {"provider", "TEXT", "text"},
    {"processing_region", "TEXT", "text"},
    {"fallback", "INTEGER", "boolean"},
    {"input_tokens", "INTEGER", "bigint"},
    {"cached_input_tokens", "INTEGER", "bigint"},
    {"cache_write_tokens", "INTEGER", "bigint"},
    {"output_tokens", "INTEGER", "bigint"},
    {"reasoning_tokens", "INTEGER", "bigint"},
    {"usage_source", "TEXT", "text"},
    {"cost_nano", "INTEGER", "bigint"},
    {"currency", "TEXT", "text"},
    {"price_version", "TEXT", "text"},
    {"status", "INTEGER", "bigint"},
    {"outcome", "TEXT", "text"},
    {"latency_ms", "INTEGER", "bigint"},
    {"ttft_ms", "INTEGER", "bigint"},
    {"gateway_us", "INTEGER", "bigint"},
    {"pii_found", "INTEGER", "bigint"},
    {"rule_pack", "TEXT", "text"},
    {"config_generation", "INTEGER", "bigint"},
};

// One row, of "retail", input_tokens 100; every other number is 7 and every other text "old".
inline std::string old_values(bool postgres) {
  std::string out;
  for (const auto& column : kOldColumns) {
    const std::string name = column.name;
    const std::string type = postgres ? column.postgres : column.sqlite;
    out += out.empty() ? "" : ", ";
    if (type == "BLOB")
      out += "x'00000000000070008000000000000001'";
    else if (type == "uuid")
      out += "'00000000-0000-7000-8000-000000000001'";
    else if (type == "boolean")
      out += "true";
    else if (type == "text" || type == "TEXT")
      out += name == "department" ? "'retail'" : "'old'";
    else
      out += name == "input_tokens" ? "100" : name == "stream" || name == "fallback" ? "1" : "7";
  }
  return out;
}

inline std::string old_table(bool postgres) {
  std::string columns;
  for (const auto& column : kOldColumns)
    columns.append(", ")
        .append(column.name)
        .append(" ")
        .append(postgres ? column.postgres : column.sqlite)
        .append(" NOT NULL");
  if (postgres) return "CREATE TABLE usage (" + columns.substr(2) + ", PRIMARY KEY (event_id))";
  return "CREATE TABLE usage (id INTEGER PRIMARY KEY AUTOINCREMENT" + columns + ", UNIQUE (event_id)) STRICT";
}

inline std::string old_names() {
  std::string names;
  for (const auto& column : kOldColumns) names.append(names.empty() ? "" : ", ").append(column.name);
  return names;
}

inline std::string old_insert(bool postgres) {
  return "INSERT INTO usage (" + old_names() + ") VALUES (" + old_values(postgres) + ")";
}

}  // namespace tollgate::finops::samples
