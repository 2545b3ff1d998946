#pragma once
// The one list of a row's fields. Its order is that of the byte form in the rings, of the SQLite columns, and of the
// PostgreSQL columns. Private to this folder.
//
// To add a field: append it here and to UsageRecord, and raise kEncodingVersion (usage_record.cpp, where older records
// get their bytes) and kSchemaVersion (usage_store.cpp). Tables that lack its column get it: older rows read as 0 or
// "".
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "finops/usage_record.h"

namespace tollgate::finops {

// Calls visit(name, field) for every field except `kind`, which is the envelope's business: stored rows are all final.
template <class Record, class Visit>
void for_each_field(Record& r, Visit&& visit) {
  static_assert(std::is_same_v<std::remove_const_t<Record>, UsageRecord>);
  visit("event_id", r.event_id);
  visit("request_id", r.request_id);
  visit("attempt", r.attempt);
  visit("started_at_ms", r.started_at_ms);
  visit("organisation", r.organisation);
  visit("department", r.department);
  visit("cost_center", r.cost_center);
  visit("application", r.application);
  visit("purpose", r.purpose);
  visit("use_case", r.use_case);
  visit("credential", r.credential);
  visit("user_hash", r.user_hash);
  visit("operation", r.operation);
  visit("stream", r.stream);
  visit("model_asked", r.model_asked);
  visit("model_served", r.model_served);
  visit("provider", r.provider);
  visit("processing_region", r.processing_region);
  visit("fallback", r.fallback);
  visit("input_tokens", r.input_tokens);
  visit("cached_input_tokens", r.cached_input_tokens);
  visit("cache_write_tokens", r.cache_write_tokens);
  visit("output_tokens", r.output_tokens);
  visit("reasoning_tokens", r.reasoning_tokens);
  visit("usage_source", r.usage_source);
  visit("cost_nano", r.cost_nano);
  visit("currency", r.currency);
  visit("price_version", r.price_version);
  visit("status", r.status);
  visit("outcome", r.outcome);
  visit("latency_ms", r.latency_ms);
  visit("ttft_ms", r.ttft_ms);
  visit("gateway_us", r.gateway_us);
  visit("pii_found", r.pii_found);
  visit("rule_pack", r.rule_pack);
  visit("config_generation", r.config_generation);
  visit("upstream_request_id", r.upstream_request_id);
  visit("audio_ms", r.audio_ms);
  visit("compute_us", r.compute_us);
}

// "event_id, request_id, ..."
std::string column_names();

std::optional<UsageSource> parse_usage_source(std::string_view text);

// The longest string a record carries, and an upper bound for the byte form of any record.
inline constexpr std::size_t kMaxStringBytes = 256;
inline constexpr std::size_t kMaxEncodedBytes = 8 * 1024;

}  // namespace tollgate::finops
