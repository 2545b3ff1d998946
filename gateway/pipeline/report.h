#pragma once
// What one call leaves behind, whatever its ending: usage records, figures and one log line.
#include <optional>
#include <string>

#include "finops/usage_record.h"
#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"
#include "providers/event.h"

namespace tollgate::pipeline {

// Accumulates while the call runs; close() writes the log line and the figures. Nothing in it is prompt text, a key or
// a PII value. One per call, in its frame.
class Report {
 public:
  Report(const Services& services, const View& view, const server::Exchange& exchange, providers::Api api);
  ~Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  // Ends a phase: the time since the last mark belongs to it.
  void mark(observe::Phase phase);
  void caller(const auth::Principal& who);
  void model(const std::string& name, bool configured, bool stream);
  void pii(const pii::Scrubbed& scrubbed, const std::string& rule_pack);
  void restored(std::int64_t values) { restored_ += values; }

  // The part of a usage record that is known before any attempt.
  finops::UsageRecord base_record() const;
  // Hands a row to the ledger; of a replica's call there is none here. false: the ledger is stalled.
  bool write_row(const finops::UsageRecord& record) const;
  // A call of an authenticated caller that never reached a target: one row with no usage.
  void refuse_row(const Error& error);
  // The levels of the limits that refused the call, as x-ratelimit-* headers: they leave with the refusal.
  void refused_at(server::HeaderLines levels) { levels_ = std::move(levels); }
  const server::HeaderLines& refused_at() const { return levels_; }
  // One attempt ended.
  void attempt(finops::UsageRecord record);

  // How the call ended for the client. Once.
  void close(int status, std::string_view outcome);

  bool has_caller() const { return who_.has_value(); }
  bool has_rows() const { return rows_ > 0; }
  // The row of the attempt that served, or of the last that failed. REQUIRES: has_rows()
  const finops::UsageRecord& last() const { return last_; }
  std::chrono::nanoseconds since_received() const;

 private:
  bool relayed() const { return who_ && who_->relayed_as; }
  void log_call(int status, std::string_view outcome);

  const Services& services_;
  const View& view_;
  const server::Exchange& exchange_;
  providers::Api api_;
  std::optional<auth::Principal> who_;
  SteadyTime last_mark_;
  SystemTime started_;
  observe::CallFacts facts_;
  std::string model_ = "unknown";
  bool model_configured_ = false;
  pii::Counts pii_;
  std::string audit_;  // of what was found, for the log line
  std::string rule_pack_;
  std::int64_t restored_ = 0;
  server::HeaderLines levels_;
  int rows_ = 0;
  finops::UsageRecord last_;
};

}  // namespace tollgate::pipeline
