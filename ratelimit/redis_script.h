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

// What one call of the script does, in this order: settlements, then at most one admission. Atomic, and the same as one
// after the other. A settlement rides on an admission because a script costs Redis far more than what it computes.
//
// REQUIRES: no id twice, and of all the scopes, those of one key are one object (may_share): a script reads and writes
// a key once. Settlements are at most kMostSettlements.
inline constexpr std::size_t kMostSettlements = 15;
using Settlements = std::vector<std::shared_ptr<const Settlement>>;
struct Batch {
  const Settlements& settlements;
  const AdmitRequest* request = nullptr;
  std::int64_t tokens = 0;  // of the request, as clipped by clip_reservation
};
std::string script_command(const std::string& prefix, const Batch& batch, ScriptForm form);
// False where a key has two scopes: its limits were changed by a reload.
bool may_share(const Scopes& some, const Scopes& others);

struct Admission {
  bool admitted = false;
  std::int64_t now = 0;           // the server's clock
  std::vector<Reading> readings;  // one per scope, after what was taken
};
// nullopt: not an answer of our script.
std::optional<Admission> parse_admission(const RedisReply& reply, const Scopes& scopes, std::int64_t tokens);
bool script_unknown(const RedisReply& reply);

}  // namespace tollgate::ratelimit
