#include "ratelimit/redis_script.h"

#include <openssl/sha.h>

#include <array>
#include <charconv>

namespace tollgate::ratelimit {
namespace {

// Numbers in Lua are doubles: exact below 2^53, where every level lies. redis.call prints them with 17 digits.
// HMGET answers false for what is not there, and tonumber(false) is nil.
#define TOLLGATE_LUA_COMMON \
  R"(
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function refill(level, at, rate, capacity)
  level, at = tonumber(level), tonumber(at)
  if not level then return capacity, now end
  return math.min(capacity, level + rate * math.max(0, now - at)), math.max(now, at)
end
local function full_in(level, rate, capacity)
  if level >= capacity then return 0 end
  if rate == 0 then return 86400000 end
  return math.ceil((capacity - level) / rate)
end
local function keep_until_full(key, ms)
  redis.call('PEXPIRE', key, ms + 1000)
end
)"

// KEYS: ticket, then per scope: levels, leases.
// ARGV: id, lease in ms, token units; then per scope: requests rate, capacity, tokens rate, capacity, slots (-1 =
// none). Answer: 1 or 0, then per scope: requests level, tokens level, leases. First everything is checked, then
// everything is written; a refusal writes nothing but the reaping of leases that have ended.
constexpr std::string_view kAdmit = TOLLGATE_LUA_COMMON R"(
local id, lease, tokens = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local known = tonumber(redis.call('GET', KEYS[1]) or 0) > now
local pass, scopes, reply = true, {}, {1}
for i = 1, (#KEYS - 1) / 2 do
  local a = 5 * i - 1
  local s = {levels = KEYS[2 * i], leases = KEYS[2 * i + 1], r = 0, t = 0, c = 0,
             rr = tonumber(ARGV[a]), rc = tonumber(ARGV[a + 1]), tr = tonumber(ARGV[a + 2]), tc = tonumber(ARGV[a + 3]),
             slots = tonumber(ARGV[a + 4])}
  if s.rr >= 0 or s.tr >= 0 then
    local h = redis.call('HMGET', s.levels, 'r', 'ra', 't', 'ta')
    if s.rr >= 0 then
      s.r, s.ra = refill(h[1], h[2], s.rr, s.rc)
      if s.r < 60000 then pass = false end
    end
    if s.tr >= 0 then
      s.t, s.ta = refill(h[3], h[4], s.tr, s.tc)
      if s.t < tokens then pass = false end
    end
  end
  if s.slots >= 0 then
    s.c = redis.call('ZCARD', s.leases)
    if s.c >= s.slots and s.c > 0 then
      s.c = s.c - redis.call('ZREMRANGEBYSCORE', s.leases, '-inf', now)
    end
    if s.c >= s.slots then pass = false end
  end
  scopes[i] = s
end
if pass and not known then
  redis.call('SET', KEYS[1], now + lease, 'PX', lease)
  for _, s in ipairs(scopes) do
    local full = 0
    if s.rr >= 0 then
      s.r = s.r - 60000
      full = full_in(s.r, s.rr, s.rc)
    end
    if s.tr >= 0 then
      s.t = s.t - tokens
      full = math.max(full, full_in(s.t, s.tr, s.tc))
    end
    if s.rr >= 0 and s.tr >= 0 then
      redis.call('HSET', s.levels, 'r', s.r, 'ra', s.ra, 't', s.t, 'ta', s.ta)
    elseif s.rr >= 0 then
      redis.call('HSET', s.levels, 'r', s.r, 'ra', s.ra)
    elseif s.tr >= 0 then
      redis.call('HSET', s.levels, 't', s.t, 'ta', s.ta)
    end
    if s.rr >= 0 or s.tr >= 0 then keep_until_full(s.levels, full) end
    if s.slots >= 0 then
      redis.call('ZADD', s.leases, now + lease, id)
      if redis.call('PTTL', s.leases) < lease then redis.call('PEXPIRE', s.leases, lease) end
      s.c = s.c + 1
    end
  end
end
if not (pass or known) then reply[1] = 0 end
for i, s in ipairs(scopes) do
  reply[3 * i - 1], reply[3 * i], reply[3 * i + 1] = s.r, s.t, s.c
end
return reply
)";

// KEYS: as above. ARGV: id, token units to give back (negative: to take); then per scope: tokens rate, capacity, slots.
// Answer: 1, or 0 where no such reservation stands.
constexpr std::string_view kSettle = TOLLGATE_LUA_COMMON R"(
local ends = tonumber(redis.call('GET', KEYS[1]) or 0)
redis.call('DEL', KEYS[1])
if ends <= now then return 0 end
local id, units = ARGV[1], tonumber(ARGV[2])
for i = 1, (#KEYS - 1) / 2 do
  local a = 3 * i
  local rate, capacity, slots = tonumber(ARGV[a]), tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
  local levels, leases = KEYS[2 * i], KEYS[2 * i + 1]
  if rate >= 0 and units ~= 0 then
    local h = redis.call('HMGET', levels, 't', 'ta')
    local level, at = refill(h[1], h[2], rate, capacity)
    level = math.max(-6e15, math.min(capacity, level + units))
    redis.call('HSET', levels, 't', level, 'ta', at)
    local full = full_in(level, rate, capacity)
    if redis.call('PTTL', levels) < full + 1000 then keep_until_full(levels, full) end
  end
  if slots >= 0 then redis.call('ZREM', leases, id) end
end
return 1
)";
#undef TOLLGATE_LUA_COMMON

std::string hex_sha1(std::string_view text) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  const std::string bytes(text);
  SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) {
    hex.push_back("0123456789abcdef"[byte >> 4]);
    hex.push_back("0123456789abcdef"[byte & 0x0f]);
  }
  return hex;
}

void add_script(RespCommand& command, std::string_view source, const std::string& hash, ScriptForm form) {
  if (form == ScriptForm::hash) {
    command.add("EVALSHA").add(hash);
  } else {
    command.add("EVAL").add(source);
  }
}

void add_keys(RespCommand& command, const std::string& prefix, const std::string& id,
              const std::vector<Scope>& scopes) {
  const std::string tag = "{" + prefix + "}:";
  command.add(static_cast<std::int64_t>(1 + 2 * scopes.size()));
  command.add(tag + "ticket:" + id);
  for (const Scope& scope : scopes) command.add(tag + scope.key).add(tag + "leases:" + scope.key);
}

void add_rate(RespCommand& command, const std::optional<Rate>& rate) {
  command.add(rate ? rate->per_minute : -1).add(rate ? rate->capacity : 0);
}

constexpr std::size_t kScriptArguments = 3;  // EVALSHA, hash, number of keys

}  // namespace

std::string_view admit_script() { return kAdmit; }
std::string_view settle_script() { return kSettle; }

RespCommand::RespCommand(std::size_t arguments) { bytes_.append("*").append(std::to_string(arguments)).append("\r\n"); }

RespCommand& RespCommand::add(std::string_view argument) {
  std::array<char, 24> length{};
  const auto end = std::to_chars(length.data(), length.data() + length.size(), argument.size()).ptr;
  bytes_.append("$").append(length.data(), end).append("\r\n").append(argument).append("\r\n");
  return *this;
}

RespCommand& RespCommand::add(std::int64_t argument) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), argument).ptr;
  return add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

std::string admit_command(const std::string& prefix, const AdmitRequest& request, std::int64_t tokens,
                          ScriptForm form) {
  static const std::string hash = hex_sha1(kAdmit);
  const std::string id = request.id.to_string();
  RespCommand command(kScriptArguments + 1 + 2 * request.scopes.size() + 3 + 5 * request.scopes.size());
  add_script(command, kAdmit, hash, form);
  add_keys(command, prefix, id, request.scopes);
  command.add(id).add(clamp_lease(request.lease).count()).add(tokens * kUnit);
  for (const Scope& scope : request.scopes) {
    add_rate(command, request_rate(scope.limits));
    add_rate(command, token_rate(scope.limits));
    command.add(concurrency(scope.limits).value_or(-1));
  }
  return command.take();
}

std::string settle_command(const std::string& prefix, const Settlement& settlement, ScriptForm form) {
  static const std::string hash = hex_sha1(kSettle);
  const std::string id = settlement.id.to_string();
  RespCommand command(kScriptArguments + 1 + 2 * settlement.scopes.size() + 2 + 3 * settlement.scopes.size());
  add_script(command, kSettle, hash, form);
  add_keys(command, prefix, id, settlement.scopes);
  command.add(id).add(refund_units(settlement));
  for (const Scope& scope : settlement.scopes) {
    add_rate(command, token_rate(scope.limits));
    command.add(concurrency(scope.limits).value_or(-1));
  }
  return command.take();
}

std::optional<Admission> parse_admission(const RedisReply& reply, std::size_t scopes) {
  if (reply.kind != RedisReply::Kind::integers || reply.integers.size() != 1 + 3 * scopes) return std::nullopt;
  Admission admission{reply.integers[0] == 1, {}};
  admission.readings.reserve(scopes);
  for (std::size_t i = 1; i < reply.integers.size(); i += 3) {
    admission.readings.push_back(Reading{reply.integers[i], reply.integers[i + 1], reply.integers[i + 2]});
  }
  return admission;
}

bool script_unknown(const RedisReply& reply) {
  return reply.kind == RedisReply::Kind::error && reply.text.starts_with("NOSCRIPT");
}

}  // namespace tollgate::ratelimit
