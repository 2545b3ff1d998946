#pragma once
// What travels between the limiter and Redis: one Lua script, its commands as RESP bytes, and the reading of replies.
// Pure; no hiredis.
//
// Every key carries one hash tag, "{prefix}", so that one call stays within one cluster slot:
//   {prefix}:<scope>        the state of a scope, packed: doubles (little-endian), each holding an integer
//     at, kept_until, levels by Meter (4), then per group of leases: end, count
//   {prefix}:ticket:<id>    the reservation itself: when its lease ends, a packed double; what makes admit and settle
//                           idempotent
// Levels are the units of ratelimit/bucket.h; times are milliseconds of the server's clock. `kept_until` is when the
// key expires.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ratelimit/bucket.h"

namespace tollgate::ratelimit {

struct RedisReply {
  enum class Kind : std::uint8_t { lost, error, nil, text, integer, array };  // lost: no reply will ever come
  Kind kind = Kind::lost;
  std::string text;  // of error and text
  std::int64_t integer = 0;
  std::vector<RedisReply> elements;  // of array
};

// By hash, or in full for a server that does not know the script yet (NOSCRIPT). Never SCRIPT LOAD: proxies refuse it.
enum class ScriptForm : std::uint8_t { hash, source };

std::string_view script();

// RESP encoding of one command (https://redis.io/docs/latest/develop/reference/protocol-spec/): an array of bulk
// strings.
class RespCommand {
 public:
  explicit RespCommand(std::size_t arguments);
  RespCommand& add(std::string_view argument);
  RespCommand& add(std::int64_t argument);
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// An admission that is asked for, with its tokens as clipped by clip_reservation.
struct Asked {
  const AdmitRequest* request = nullptr;
  std::int64_t tokens = 0;
};

// What one run of the script does, in this order: settlements, then admissions. Atomic, and the same as one after the
// other. They go together because a script costs Redis far more than what it computes.
//
// REQUIRES: no id twice, and of all the scopes, those of one key are equal (may_share): a script reads and writes a key
// once. At most kMostTogether settlements, and as many admissions.
inline constexpr std::size_t kMostTogether = 15;
static_assert(2 * kMostTogether * kMostScopes <= 255, "numbers of scopes are bytes");
using Settlements = std::vector<std::shared_ptr<const Settlement>>;
struct Batch {
  const Settlements& settlements;
  std::span<const Asked> admissions;
};
std::string script_command(const std::string& prefix, const Batch& batch, ScriptForm form);
// False where a key has two scopes: its limits were changed by a reload.
bool may_share(const Scopes& some, const Scopes& others);

struct Admission {
  bool admitted = false;
  std::int64_t now = 0;           // the server's clock
  std::vector<Reading> readings;  // one per scope, after what was taken
};
// One for each, in their order; nullopt: not an answer of our script to these.
std::optional<std::vector<Admission>> parse_admissions(const RedisReply& reply, std::span<const Asked> asked);
bool script_unknown(const RedisReply& reply);

}  // namespace tollgate::ratelimit
