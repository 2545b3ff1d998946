#include "ratelimit/redis_script.h"

#include <openssl/sha.h>

#include <algorithm>
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
// KEYS: the scopes, those of the admissions first; the tickets of the settlements; the tickets of the admissions.
// ARGV[1], packed, because each argument and each number as text costs more than the arithmetic: doubles that say how
// many admissions there are, how many scopes, how many of these the admissions have, and how many settlements; per
// scope nine doubles, which are slots, then limit and capacity in units of each bucket, in the order of Meter, -1 for a
// limit that is absent; per settlement a double, the tokens to give back (negative: to take); per admission two, its
// tokens and its lease in ms; per scope a byte that says how many settlements change it, and a byte with the number of
// each; per admission a byte that says how many scopes it has, and a byte with the number of each. The other arguments
// say how long the ticket of each admission lives: no shorter than its lease.
//
// Answer where there are admissions: a digit for each, 1 (let in), 2 (let in before) or 0, then the states of their
// scopes as they were after the settlements and before the admissions, then the time: the caller computes levels from
// them as the store in memory does. A refusal writes nothing but the settlements. Answer without admissions: how many
// reservations stood and were settled.
//
// `state_of` lets a key live until every bucket is full and every lease has ended (`busy`), and a second more. Setting
// an expiry costs as much as setting the value, so it is set with an eighth to spare and then left alone for a while.
// Functions of C such as math.min cost ten times what a comparison does: x % 1 and `if` stand in their place.
// In names, r is requests, t tokens, m per minute, d per day; _l is a limit, _c a capacity.
constexpr std::string_view kScript = R"(
local sub, byte, read, packed, call = string.sub, string.byte, struct.unpack, struct.pack, redis.call
local given = ARGV[1]
local admissions, scopes, asked, settled = read('<dddd', given)
local refunds = 72 * scopes + 25
local asks = refunds + 8 * settled - 8
local cursor = asks + 16 * admissions + 16
local clock = redis.call('TIME')
local now = clock[2] / 1000
now = clock[1] * 1000 + now - now % 1
local held = call('MGET', unpack(KEYS))
local second = now - now % 1000
local FULL = 9e15
local written, expiries = {}, {}
local function later(a, b) if a > b then return a end return b end
local function within(low, x, high) if x > high then return high elseif x < low then return low end return x end
local function state_of(at, kept_until, busy, rm, tm, rd, td, leases)
  if busy > 1e15 then busy = 1e15 end
  local last = now + busy + -busy % 1 + 1000
  if kept_until >= last then return packed('<dddddd', at, kept_until, rm, tm, rd, td) .. leases, nil end
  last = last + busy / 8 + -(busy / 8) % 1
  return packed('<dddddd', at, last, rm, tm, rd, td) .. leases, last - now
end
local function keep(i, state, expiry)
  held[i], written[i] = state, true
  expiries[i] = expiry or expiries[i]
end
local function reading(i)
  local slots, rm_l, rm_c, tm_l, tm_c, rd_l, rd_c, td_l, td_c = read('<ddddddddd', given, 72 * i - 39)
  local state = held[i]
  local at, kept_until, rm, tm, rd, td = now, 0, rm_c, tm_c, rd_c, td_c
  if state then
    at, kept_until, rm, tm, rd, td = read('<dddddd', state)
    if now > at then
      local ms, s = now - at, (second - at + at % 1000) / 1000
      at = now
      rm, tm, rd, td = rm + rm_l * ms, tm + tm_l * ms, rd + rd_l * s, td + td_l * s
    end
  end
  if rm_l < 0 then rm = FULL elseif rm > rm_c then rm = rm_c end
  if tm_l < 0 then tm = FULL elseif tm > tm_c then tm = tm_c end
  if rd_l < 0 then rd = FULL elseif rd > rd_c then rd = rd_c end
  if td_l < 0 then td = FULL elseif td > td_c then td = td_c end
  return state, slots, at, kept_until, rm, rm_l, rm_c, tm, tm_l, tm_c, rd, rd_l, rd_c, td, td_l, td_c
end

local standing, stood = {}, 0
for j = 1, settled do
  local ticket = held[scopes + j]
  local ends = ticket and read('<d', ticket) or 0
  if ends > now then standing[j], stood = ends, stood + 1 end
end
if settled > 0 then call('DEL', unpack(KEYS, scopes + 1, scopes + settled)) end

local function give_back(i, first, last)
  local state, slots, at, kept_until, rm, rm_l, rm_c, tm, tm_l, tm_c, rd, rd_l, rd_c, td, td_l, td_c = reading(i)
  local there, gone = state, nil
  for c = first, last do
    local j = byte(given, c)
    local refund = standing[j] and read('<d', given, refunds + 8 * j)
    if refund and (there or refund < 0) then
      there, gone = true, gone or {}
      gone[standing[j]] = (gone[standing[j]] or 0) + 1
      if tm_l >= 0 then tm = within(-2.4e14, tm + refund * 60000, tm_c) end
      if td_l >= 0 then td = within(-3.456e14, td + refund * 86400, td_c) end
    end
  end
  if not gone then return end
  local busy, leases = 0, ''
  if tm < tm_c then busy = (tm_c - tm) / tm_l end
  if td < td_c then busy = later(busy, (td_c - td) / td_l * 1000 + 1000) end
  for p = 49, state and #state or 0, 16 do
    local e, n = read('<dd', state, p)
    if slots >= 0 then n = n - (gone[e] or 0) end
    if e > now and n > 0 then leases = leases .. packed('<dd', e, n) end
  end
  keep(i, state_of(at, kept_until, busy, rm, tm, rd, td, leases))
end
for i = 1, scopes do
  local changing = byte(given, cursor)
  if changing > 0 then give_back(i, cursor + 1, cursor + changing) end
  cursor = cursor + 1 + changing
end

local function take(i, tokens, ends)
  local state, slots, at, kept_until, rm, rm_l, rm_c, tm, tm_l, tm_c, rd, rd_l, rd_c, td, td_l, td_c = reading(i)
  local busy, leases = 0, ''
  if rm_l >= 0 then
    rm = rm - 60000
    if rm < 0 then return end
    if rm < rm_c then busy = (rm_c - rm) / rm_l end
  end
  if tm_l >= 0 then
    tm = tm - tokens * 60000
    if tm < 0 then return end
    if tm < tm_c then busy = later(busy, (tm_c - tm) / tm_l) end
  end
  if rd_l >= 0 then
    rd = rd - 86400
    if rd < 0 then return end
    if rd < rd_c then busy = later(busy, (rd_c - rd) / rd_l * 1000 + 1000) end
  end
  if td_l >= 0 then
    td = td - tokens * 86400
    if td < 0 then return end
    if td < td_c then busy = later(busy, (td_c - td) / td_l * 1000 + 1000) end
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
    if running >= slots then return end
    same = same + 1
    busy = later(busy, ends - now)
  end
  if same > 0 then leases = leases .. packed('<dd', ends, same) end
  return state_of(at, kept_until, busy, rm, tm, rd, td, leases)
end

local answer, codes = {}, {}
for i = 1, asked do answer[i + 1] = held[i] end
for k = 1, admissions do
  local tokens, lease = read('<dd', given, asks + 16 * k)
  local grain = lease / 32
  grain = grain < 1 and 1 or grain - grain % 1
  local ends = now + lease + -(now + lease) % grain
  local first, last = cursor + 1, cursor + byte(given, cursor)
  cursor = last + 1
  local ticket = held[scopes + settled + k]
  local code = ticket and read('<d', ticket) > now and 2 or 1
  local states, lasts = {}, {}
  if code == 1 then
    for c = first, last do
      local at = c - first + 1
      states[at], lasts[at] = take(byte(given, c), tokens, ends)
      if not states[at] then code = 0 break end
    end
  end
  if code == 1 then
    call('SET', KEYS[scopes + settled + k], packed('<d', ends), 'PX', ARGV[k + 1])
    for c = first, last do keep(byte(given, c), states[c - first + 1], lasts[c - first + 1]) end
  end
  codes[k] = code
end
for i = 1, scopes do
  if expiries[i] then
    call('SET', KEYS[i], held[i], 'PX', expiries[i])
  elseif written[i] then
    call('SET', KEYS[i], held[i], 'KEEPTTL')
  end
end
if admissions == 0 then return stood end
answer[1], answer[asked + 2] = table.concat(codes), now
return answer
)";
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
  static_assert(std::endian::native == std::endian::little);
  const auto bytes = std::bit_cast<std::array<char, sizeof(double)>>(static_cast<double>(value));
  out.append(bytes.data(), bytes.size());
}

void append_limits(std::string& out, const Scope& scope) {
  append_double(out, scope.slots.value_or(-1));
  for (const auto& rate : scope.rates) {
    append_double(out, rate ? rate->limit : -1);
    append_double(out, rate ? rate->capacity : 0);
  }
}

// What one run of the script reads and who changes it, by numbers from 1, a byte each.
struct Plan {
  std::vector<const Scope*> scopes;  // those of the admissions first
  std::size_t asked = 0;             // how many those are
  std::vector<std::string> changes;  // by scope: the settlements that change it
  std::vector<std::string> takes;    // by admission: its scopes

  std::size_t number_of(const Scope& scope) {
    const auto found = std::find_if(scopes.begin(), scopes.end(), [&](const Scope* known) {
      return known == &scope || (known->hash == scope.hash && known->key == scope.key);
    });
    if (found == scopes.end()) {
      scopes.push_back(&scope);
      changes.emplace_back();
      return scopes.size();
    }
    return static_cast<std::size_t>(found - scopes.begin()) + 1;
  }
};

// Scopes that a settlement does not change are not touched.
Plan make_plan(const Batch& batch) {
  Plan plan;
  for (const Asked& asked : batch.admissions) {
    std::string& takes = plan.takes.emplace_back();
    for (const auto& scope : asked.request->scopes) takes.push_back(static_cast<char>(plan.number_of(*scope)));
  }
  plan.asked = plan.scopes.size();
  for (std::size_t i = 0; i < batch.settlements.size(); ++i) {
    const std::int64_t refund = refund_of(*batch.settlements[i]);
    for (const auto& scope : batch.settlements[i]->scopes)
      if (settles(*scope, refund)) plan.changes[plan.number_of(*scope) - 1].push_back(static_cast<char>(i + 1));
  }
  return plan;
}

std::int64_t lease_of(const Asked& asked) { return clamp_lease(asked.request->lease).count(); }

std::string packed_arguments(const Plan& plan, const Batch& batch) {
  std::string out;
  out.reserve(512);  // of up to six scopes
  for (const std::size_t count : {batch.admissions.size(), plan.scopes.size(), plan.asked, batch.settlements.size()})
    append_double(out, static_cast<std::int64_t>(count));
  for (const Scope* scope : plan.scopes) append_limits(out, *scope);
  for (const auto& settlement : batch.settlements) append_double(out, refund_of(*settlement));
  for (const Asked& asked : batch.admissions) {
    append_double(out, asked.tokens);
    append_double(out, lease_of(asked));
  }
  for (const auto* lists : {&plan.changes, &plan.takes})
    for (const std::string& numbers : *lists) out.append(1, static_cast<char>(numbers.size())).append(numbers);
  return out;
}

void add_keys(RespCommand& command, const std::string& prefix, const Plan& plan, const Batch& batch) {
  std::string key = "{" + prefix + "}:";
  const std::size_t tag = key.size();
  const auto add = [&](std::string_view kind, std::string_view name) {
    key.resize(tag);
    command.add(key.append(kind).append(name));
  };
  for (const Scope* scope : plan.scopes) add("", scope->key);
  for (const auto& settlement : batch.settlements) add("ticket:", settlement->id.to_string());
  for (const Asked& asked : batch.admissions) add("ticket:", asked.request->id.to_string());
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

std::string_view script() { return kScript; }

RespCommand::RespCommand(std::size_t arguments) {
  bytes_.reserve(512);  // an ordinary command of the limiter
  bytes_.append("*").append(std::to_string(arguments)).append("\r\n");
}

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

std::string script_command(const std::string& prefix, const Batch& batch, ScriptForm form) {
  static const std::string hash = hex_sha1(kScript);
  const Plan plan = make_plan(batch);
  const std::size_t keys = plan.scopes.size() + batch.settlements.size() + batch.admissions.size();

  RespCommand command(kScriptArguments + keys + 1 + batch.admissions.size());
  const bool by_hash = form == ScriptForm::hash;
  command.add(by_hash ? "EVALSHA" : "EVAL").add(by_hash ? std::string_view(hash) : kScript);
  command.add(static_cast<std::int64_t>(keys));
  add_keys(command, prefix, plan, batch);
  command.add(packed_arguments(plan, batch));
  for (const Asked& asked : batch.admissions) {
    const std::int64_t lease = lease_of(asked);
    command.add(lease + std::max<std::int64_t>(1, lease / 32));  // see lease_end()
  }
  return command.take();
}

bool may_share(const Scopes& some, const Scopes& others) {
  for (const auto& a : some)
    for (const auto& b : others)
      if (a != b && a->hash == b->hash && a->key == b->key && *a != *b) return false;
  return true;
}

std::optional<std::vector<Admission>> parse_admissions(const RedisReply& reply, std::span<const Asked> asked) {
  using Kind = RedisReply::Kind;
  const Plan plan = make_plan({{}, asked});
  const auto& elements = reply.elements;
  if (reply.kind != Kind::array || elements.size() != plan.asked + 2) return std::nullopt;
  const RedisReply& codes = elements.front();
  if (codes.kind != Kind::text || codes.text.size() != asked.size()) return std::nullopt;
  if (codes.text.find_first_not_of("012") != std::string::npos) return std::nullopt;
  if (elements.back().kind != Kind::integer) return std::nullopt;
  const std::int64_t now = elements.back().integer;

  std::vector<Reading> readings;  // by scope; of the next admission
  readings.reserve(plan.asked);
  for (std::size_t i = 0; i < plan.asked; ++i) {
    const RedisReply& element = elements[i + 1];
    if (element.kind != Kind::text && element.kind != Kind::nil) return std::nullopt;
    const auto state = element.kind == Kind::nil ? State{} : parse_state(element.text);
    if (!state) return std::nullopt;
    readings.push_back(read(&*state, *plan.scopes[i], now));
  }
  std::vector<Admission> admissions;
  admissions.reserve(asked.size());
  for (std::size_t k = 0; k < asked.size(); ++k) {
    const bool takes = codes.text[k] == '1';
    Admission& admission = admissions.emplace_back(Admission{codes.text[k] != '0', now, {}});
    admission.readings.reserve(plan.takes[k].size());
    for (const char number : plan.takes[k]) {
      const std::size_t i = static_cast<unsigned char>(number) - 1U;
      if (takes) readings[i] = taken(readings[i], *plan.scopes[i], asked[k].tokens);
      admission.readings.push_back(readings[i]);
    }
  }
  return admissions;
}

bool script_unknown(const RedisReply& reply) {
  return reply.kind == RedisReply::Kind::error && reply.text.starts_with("NOSCRIPT");
}

}  // namespace tollgate::ratelimit
