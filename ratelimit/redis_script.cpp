#include "ratelimit/redis_script.h"

#include <openssl/sha.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace tollgate::ratelimit {
namespace {

// Written for few Redis commands and few table accesses: one MGET reads everything, a scope's state is one packed
// string, and its levels live in local variables. Numbers in Lua are doubles: exact below 2^53, where every level lies;
// redis.call prints them with 17 digits.
//
// KEYS of both scripts: ticket, then one per scope. The last of ARGV holds per scope nine packed doubles: slots, then
// limit and capacity in units of each bucket, in the order of Meter; -1 for a limit that is absent.

// `put` lets a key live until every bucket is full and every lease has ended, and a second more. Setting an expiry
// costs as much as setting the value, so it is set with an eighth to spare and then left alone for a while.
#define TOLLGATE_LUA_START \
  R"(
local min, max, floor, ceil, sub = math.min, math.max, math.floor, math.ceil, string.sub
local read, packed = struct.unpack, struct.pack
local clock = redis.call('TIME')
local now = clock[1] * 1000 + floor(clock[2] / 1000)
local held = redis.call('MGET', unpack(KEYS))
local ticket = tonumber(held[1] or 0)
local FULL = 9e15
local function state_of(at, kept_until, busy, rm, tm, rd, td, leases)
  busy = ceil(min(busy, 1e15))
  local last = now + busy + 1000
  if kept_until >= last then return packed('<dddddd', at, kept_until, rm, tm, rd, td) .. leases, nil end
  last = last + ceil(busy / 8)
  return packed('<dddddd', at, last, rm, tm, rd, td) .. leases, last - now
end
local function put(key, state, expiry)
  if expiry then
    redis.call('SET', key, state, 'PX', expiry)
  else
    redis.call('SET', key, state, 'KEEPTTL')
  end
end
)"

// The head of a loop over the scopes: limits, and the levels of this instant. _l is a limit, _c a capacity; r is
// requests, t tokens, m per minute, d per day.
#define TOLLGATE_LUA_EACH_SCOPE \
  R"(
for i = 2, #KEYS do
  local slots, rm_l, rm_c, tm_l, tm_c, rd_l, rd_c, td_l, td_c = read('<ddddddddd', limits, 72 * i - 143)
  local state = held[i]
  local at, kept_until, rm, tm, rd, td = now, 0, rm_c, tm_c, rd_c, td_c
  if state then
    at, kept_until, rm, tm, rd, td = read('<dddddd', state)
    local ms, s = 0, 0
    if now > at then
      ms, s = now - at, floor(now / 1000) - floor(at / 1000)
      at = now
    end
    rm, tm = min(rm_c, rm + rm_l * ms), min(tm_c, tm + tm_l * ms)
    rd, td = min(rd_c, rd + rd_l * s), min(td_c, td + td_l * s)
  end
)"

// ARGV: tokens, lease in ms, limits. Answer: 1 (let in), 2 (let in before) or 0, then the states as they were before,
// then the time: the caller computes levels from them as the store in memory does. First everything is checked, then
// everything is written; a refusal writes nothing. `busy` is the time until the scope may be forgotten.
constexpr std::string_view kAdmit = TOLLGATE_LUA_START R"(
local tokens, lease, limits = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local grain = max(1, floor(lease / 32))
local ends = ceil((now + lease) / grain) * grain
local pass, states, expiries = true, {}, {}
)" TOLLGATE_LUA_EACH_SCOPE R"(
  local busy, leases = 0, ''
  if rm_l < 0 then rm = FULL else
    rm = rm - 60000
    pass = pass and rm >= 0
    if rm < rm_c then busy = (rm_c - rm) / rm_l end
  end
  if tm_l < 0 then tm = FULL else
    tm = tm - tokens * 60000
    pass = pass and tm >= 0
    if tm < tm_c then busy = max(busy, (tm_c - tm) / tm_l) end
  end
  if rd_l < 0 then rd = FULL else
    rd = rd - 86400
    pass = pass and rd >= 0
    if rd < rd_c then busy = max(busy, ceil((rd_c - rd) / rd_l) * 1000) end
  end
  if td_l < 0 then td = FULL else
    td = td - tokens * 86400
    pass = pass and td >= 0
    if td < td_c then busy = max(busy, ceil((td_c - td) / td_l) * 1000) end
  end
  local running, same = 0, 0
  for p = 49, state and #state or 0, 16 do
    local e, n = read('<dd', state, p)
    if e > now then
      running = running + n
      if e == ends then same = n else leases = leases .. sub(state, p, p + 15) end
    end
  end
  if slots >= 0 then
    pass = pass and running < slots
    same = same + 1
    busy = max(busy, ends - now)
  end
  if same > 0 then leases = leases .. packed('<dd', ends, same) end
  if pass then states[i], expiries[i] = state_of(at, kept_until, busy, rm, tm, rd, td, leases) end
end
local known = ticket > now
if pass and not known then
  redis.call('SET', KEYS[1], ends, 'PX', ends - now)
  for i = 2, #KEYS do put(KEYS[i], states[i], expiries[i]) end
end
held[1] = known and 2 or pass and 1 or 0
held[#KEYS + 1] = now
return held
)";

// ARGV: tokens to give back (negative: to take), limits. Answer: 1, or 0 where no such reservation stands.
constexpr std::string_view kSettle = TOLLGATE_LUA_START R"(
redis.call('DEL', KEYS[1])
if ticket <= now then return 0 end
local refund, limits = tonumber(ARGV[1]), ARGV[2]
)" TOLLGATE_LUA_EACH_SCOPE R"(
  if state or refund < 0 then
    local busy, leases = 0, ''
    if rm_l < 0 then rm = FULL end
    if rd_l < 0 then rd = FULL end
    if tm_l < 0 then tm = FULL else
      tm = max(-2.4e14, min(tm_c, tm + refund * 60000))
      if tm < tm_c then busy = (tm_c - tm) / tm_l end
    end
    if td_l < 0 then td = FULL else
      td = max(-3.456e14, min(td_c, td + refund * 86400))
      if td < td_c then busy = max(busy, ceil((td_c - td) / td_l) * 1000) end
    end
    for p = 49, state and #state or 0, 16 do
      local e, n = read('<dd', state, p)
      if e == ticket and slots >= 0 then n = n - 1 end
      if e > now and n > 0 then leases = leases .. packed('<dd', e, n) end
    end
    put(KEYS[i], state_of(at, kept_until, busy, rm, tm, rd, td, leases))
  end
end
return 1
)";
#undef TOLLGATE_LUA_START
#undef TOLLGATE_LUA_EACH_SCOPE
static_assert(kMaxDebt * kMinute.unit == 240'000'000'000'000 && kMaxDebt * kDay.unit == 345'600'000'000'000);

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

void append_double(std::string& out, std::int64_t value) {
  auto bits = std::bit_cast<std::uint64_t>(static_cast<double>(value));
  for (int i = 0; i < 8; ++i, bits >>= 8) out.push_back(static_cast<char>(bits & 0xff));
}

void append_limits(std::string& out, const Scope& scope) {
  append_double(out, scope.slots.value_or(-1));
  for (const auto& rate : scope.rates) {
    append_double(out, rate ? rate->limit : -1);
    append_double(out, rate ? rate->capacity : 0);
  }
}

void add_script(RespCommand& command, std::string_view source, const std::string& hash, ScriptForm form) {
  if (form == ScriptForm::hash) {
    command.add("EVALSHA").add(hash);
  } else {
    command.add("EVAL").add(source);
  }
}

void add_keys(RespCommand& command, const std::string& prefix, const Uuid& id, std::span<const Scope* const> scopes) {
  std::string key = "{" + prefix + "}:";
  const std::size_t tag = key.size();
  command.add(static_cast<std::int64_t>(1 + scopes.size()));
  command.add(key.append("ticket:").append(id.to_string()));
  for (const Scope* scope : scopes) {
    key.resize(tag);
    command.add(key.append(scope->key));
  }
}

constexpr std::size_t kScriptArguments = 3;  // EVALSHA, hash, number of keys

// Reads packed doubles. Whatever is no integer that our script can have written makes it fail.
class Packed {
 public:
  explicit Packed(std::string_view bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size(); }
  bool ok() const { return ok_; }

  std::int64_t next() {
    constexpr double kExact = 9007199254740992.0;  // 2^53
    ok_ = ok_ && bytes_.size() >= 8;
    if (!ok_) return 0;
    std::uint64_t bits = 0;
    for (std::size_t i = 8; i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes_[i]);
    bytes_.remove_prefix(8);
    const auto value = std::bit_cast<double>(bits);
    ok_ = std::abs(value) <= kExact;  // false for NaN too
    return ok_ ? static_cast<std::int64_t>(value) : 0;
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

std::optional<State> parse_state(std::string_view bytes) {
  Packed packed(bytes);
  State state;
  state.at = packed.next();
  (void)packed.next();  // kept_until
  for (auto& level : state.levels) level = packed.next();
  while (packed.ok() && packed.left() > 0) {
    const std::int64_t end = packed.next();
    const std::int64_t count = packed.next();
    if (count < 0 || count > kMaxAmount) return std::nullopt;
    state.leases.push_back({end, count});
  }
  if (!packed.ok()) return std::nullopt;
  return state;
}

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
  std::vector<const Scope*> scopes;
  std::string limits;
  for (const auto& scope : request.scopes) {
    scopes.push_back(scope.get());
    append_limits(limits, *scope);
  }
  RespCommand command(kScriptArguments + 1 + scopes.size() + 3);
  add_script(command, kAdmit, hash, form);
  add_keys(command, prefix, request.id, scopes);
  return command.add(tokens).add(clamp_lease(request.lease).count()).add(limits).take();
}

// Scopes that the settlement does not change are not touched.
std::string settle_command(const std::string& prefix, const Settlement& settlement, ScriptForm form) {
  static const std::string hash = hex_sha1(kSettle);
  const std::int64_t refund = refund_of(settlement);
  std::vector<const Scope*> scopes;
  std::string limits;
  for (const auto& scope : settlement.scopes) {
    if (!settles(*scope, refund)) continue;
    scopes.push_back(scope.get());
    append_limits(limits, *scope);
  }
  RespCommand command(kScriptArguments + 1 + scopes.size() + 2);
  add_script(command, kSettle, hash, form);
  add_keys(command, prefix, settlement.id, scopes);
  return command.add(refund).add(limits).take();
}

std::optional<Admission> parse_admission(const RedisReply& reply, const Scopes& scopes, std::int64_t tokens) {
  using Kind = RedisReply::Kind;
  const auto& elements = reply.elements;
  if (reply.kind != Kind::array || elements.size() != scopes.size() + 2) return std::nullopt;
  if (elements.front().kind != Kind::integer || elements.back().kind != Kind::integer) return std::nullopt;
  const std::int64_t code = elements.front().integer;
  Admission admission{code != 0, elements.back().integer, {}};
  admission.readings.reserve(scopes.size());
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    const RedisReply& element = elements[i + 1];
    if (element.kind != Kind::text && element.kind != Kind::nil) return std::nullopt;
    const auto state = element.kind == Kind::nil ? State{} : parse_state(element.text);
    if (!state) return std::nullopt;
    const Reading before = read(&*state, *scopes[i], admission.now);
    admission.readings.push_back(code == 1 ? taken(before, *scopes[i], tokens) : before);
  }
  return admission;
}

bool script_unknown(const RedisReply& reply) {
  return reply.kind == RedisReply::Kind::error && reply.text.starts_with("NOSCRIPT");
}

}  // namespace tollgate::ratelimit
