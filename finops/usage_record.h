#pragma once
// One attempt at one upstream (or one refusal), as it is billed, reported and audited. Rows are never updated.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/ids.h"
#include "gateway/base/result.h"

namespace tollgate::finops {

enum class RecordKind : std::uint8_t {
  intent = 1,  // written before dispatch; becomes an `estimated` row if no final record ever follows
  final = 2,
};

// Who said how many tokens there were.
enum class UsageSource : std::uint8_t {
  none,            // nothing was consumed (refused, never dispatched)
  provider_final,  // the provider's own figures
  estimated,       // ours: the client left, the process died, or the provider kept silent
};
std::string_view to_string(UsageSource source);

// Strings are bounded when encoded (256 bytes each, cut at a UTF-8 boundary). Times are Unix milliseconds.
struct UsageRecord {
  RecordKind kind = RecordKind::final;
  Uuid event_id;    // idempotency key of the row; an intent and its final share it
  Uuid request_id;  // one client call; shared by its attempts
  std::uint32_t attempt = 1;
  std::int64_t started_at_ms = 0;

  std::string organisation;
  std::string department;
  std::string cost_center;
  std::string application;
  std::string purpose;
  std::string use_case;
  std::string credential;
  std::string user_hash;  // HMAC(user, salt) or empty

  std::string operation;  // the API called: "chat", "embeddings", ...
  bool stream = false;
  std::string model_asked;
  std::string model_served;
  std::string provider;
  std::string processing_region;
  bool fallback = false;

  std::int64_t input_tokens = 0;  // includes cached and cache-write tokens
  std::int64_t cached_input_tokens = 0;
  std::int64_t cache_write_tokens = 0;
  std::int64_t output_tokens = 0;  // includes reasoning tokens
  std::int64_t reasoning_tokens = 0;
  UsageSource usage_source = UsageSource::none;

  std::int64_t cost_nano = 0;  // nano-units of `currency`
  std::string currency = "USD";
  std::string price_version;  // price list and entry that rated the row; empty = no price known

  std::int32_t status = 0;       // HTTP status the client got, or would have got
  std::string outcome;           // "ok", "cancelled", or an ErrorKind name
  std::int64_t latency_ms = 0;   // whole attempt
  std::int64_t ttft_ms = -1;     // to the first content; -1 = none came
  std::int64_t gateway_us = -1;  // time added by the gateway before dispatch; -1 = not measured

  std::int64_t pii_found = 0;
  std::string rule_pack;
  std::int64_t config_generation = 0;

  std::string upstream_request_id;  // the provider's own name of the call: what its support asks for; may be empty
  std::int64_t audio_ms = 0;        // sound that the provider bills by its length
  std::int64_t compute_us = 0;      // engine time of a model of our own

  friend bool operator==(const UsageRecord&, const UsageRecord&) = default;
};

// Byte form used in the rings: versioned, length-prefixed, little-endian. Appends to `out`.
void encode(const UsageRecord& record, std::string& out);
Result<UsageRecord> decode(std::string_view bytes);
// Only what kind it is and of which event.
struct RecordId {
  RecordKind kind = RecordKind::final;
  Uuid event_id;
};
Result<RecordId> decode_id(std::string_view bytes);

}  // namespace tollgate::finops
