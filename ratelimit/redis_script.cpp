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
// KEYS: the scopes, those of the admission first; the tickets of the settlements; the admission's ticket, if there is
// an admission. ARGV[1], packed, because each argument and each number as text costs more than the arithmetic: doubles
// that say how many scopes the admission has (0: there is none), its tokens, its lease in ms, how many scopes and how
// many settlements there are; per scope nine doubles, which are slots, then limit and capacity in units of each bucket,
// in the order of Meter, -1 for a limit that is absent; per settlement a double, the tokens to give back (negative: to
// take); per scope a byte that says how many settlements change it, and a byte with the number of each. ARGV[2] is how
// long the admission's ticket lives: no shorter than its lease.
//
// Answer to an admission: 1 (let in), 2 (let in before) or 0, then the states of its scopes as they were after the
// settlements and before it, then the time: the caller computes levels from them as the store in memory does. A refusal
// writes nothing but the settlements. Answer without an admission: how many reservations stood and were settled.
//
// `state_of` lets a key live until every bucket is full and every lease has ended (`busy`), and a second more. Setting
// an expiry costs as much as setting the value, so it is set with an eighth to spare and then left alone for a while.
// Functions of C such as math.min cost ten times what a comparison does: x % 1 and `if` stand in their place.
// In a loop's names, r is requests, t tokens, m per minute, d per day; _l is a limit, _c a capacity.
constexpr std::string_view kScript = R"(
local sub, byte, read, packed, call = string.sub, string.byte, struct.unpack, struct.pack, redis.call
local given = ARGV[1]
local asked, tokens, lease, scopes, settled = read('<ddddd', given)
local refunds = 72 * scopes + 33
local clock = redis.call('TIME')
local now = clock[2] / 1000
now = clock[1] * 1000 + now - now % 1
local held = call('MGET', unpack(KEYS))
local second = now - now % 1000
local FULL = 9e15
local function later(a, b) if a > b then return a end return b end
local function within(low, x, high) if x > high then return high elseif x < low then return low end return x end
local function state_of(at, kept_until, busy, rm, tm, rd, td, leases)
  if busy > 1e15 then busy = 1e15 end
  local last = now + busy + -busy % 1 + 1000
  if kept_until >= last then return packed('<dddddd', at, kept_until, rm, tm, rd, td) .. leases, nil end
  last = last + busy / 8 + -(busy / 8) % 1
  return packed('<dddddd', at, last, rm, tm, rd, td) .. leases, last - now
end

local standing, stood = {}, 0
for j = 1, settled do
  local ticket = held[scopes + j]
  local ends = ticket and read('<d', ticket) or 0
  if ends > now then standing[j], stood = ends, stood + 1 end
end
if settled > 0 then call('DEL', unpack(KEYS, scopes + 1, scopes + settled)) end

local grain = lease / 32
grain = grain < 1 and 1 or grain - grain % 1
local ends = now + lease + -(now + lease) % grain
local pass, next_change = true, refunds + 8 * settled + 8
local states, expiries, taken, taken_expiries = {}, {}, {}, {}
for i = 1, scopes do
  local slots, rm_l, rm_c, tm_l, tm_c, rd_l, rd_c, td_l, td_c = read('<ddddddddd', given, 72 * i - 31)
  local state = held[i]
  local at, kept_until, rm, tm, rd, td = now, 0, rm_c, tm_c, rd_c, td_c
  if state then
    at, kept_until, rm, tm, rd, td = read('<dddddd', state)
    local ms, s = 0, 0
    if now > at then
      ms, s = now - at, (second - at + at % 1000) / 1000
      at = now
    end
    rm, tm, rd, td = rm + rm_l * ms, tm + tm_l * ms, rd + rd_l * s, td + td_l * s
  end
  if rm_l < 0 then rm = FULL elseif rm > rm_c then rm = rm_c end
  if tm_l < 0 then tm = FULL elseif tm > tm_c then tm = tm_c end
  if rd_l < 0 then rd = FULL elseif rd > rd_c then rd = rd_c end
  if td_l < 0 then td = FULL elseif td > td_c then td = td_c end

  local changing = byte(given, next_change)
  local gone
  for c = next_change + 1, next_change + changing do
    local j = byte(given, c)
    local refund = standing[j] and read('<d', given, refunds + 8 * j)
    if refund and (state or refund < 0) then
      gone = gone or {}
      gone[standing[j]] = (gone[standing[j]] or 0) + 1
      if tm_l >= 0 then tm = within(-2.4e14, tm + refund * 60000, tm_c) end
      if td_l >= 0 then td = within(-3.456e14, td + refund * 86400, td_c) end
    end
  end
  next_change = next_change + 1 + changing
  if gone then
    local busy, leases = 0, ''
    if tm < tm_c then busy = (tm_c - tm) / tm_l end
    if td < td_c then busy = later(busy, (td_c - td) / td_l * 1000 + 1000) end
    for p = 49, state and #state or 0, 16 do
      local e, n = read('<dd', state, p)
      if slots >= 0 then n = n - (gone[e] or 0) end
      if e > now and n > 0 then leases = leases .. packed('<dd', e, n) end
    end
    state, expiries[i] = state_of(at, kept_until, busy, rm, tm, rd, td, leases)
    states[i], held[i] = state, state
  end

  if i <= asked then
    local busy, leases = 0, ''
    if rm_l >= 0 then
      rm = rm - 60000
      pass = pass and rm >= 0
      if rm < rm_c then busy = (rm_c - rm) / rm_l end
    end
    if tm_l >= 0 then
      tm = tm - tokens * 60000
      pass = pass and tm >= 0
      if tm < tm_c then busy = later(busy, (tm_c - tm) / tm_l) end
    end
    if rd_l >= 0 then
      rd = rd - 86400
      pass = pass and rd >= 0
      if rd < rd_c then busy = later(busy, (rd_c - rd) / rd_l * 1000 + 1000) end
    end
    if td_l >= 0 then
      td = td - tokens * 86400
      pass = pass and td >= 0
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
      pass = pass and running < slots
      same = same + 1
      busy = later(busy, ends - now)
    end
    if same > 0 then leases = leases .. packed('<dd', ends, same) end
    if pass then taken[i], taken_expiries[i] = state_of(at, kept_until, busy, rm, tm, rd, td, leases) end
  end
end

local ticket = asked > 0 and held[#KEYS]
local known = ticket and read('<d', ticket) > now
if asked > 0 and pass and not known then
  call('SET', KEYS[#KEYS], packed('<d', ends), 'PX', ARGV[2])
  for i = 1, asked do states[i], expiries[i] = taken[i], taken_expiries[i] end
end
for i = 1, scopes do
  if expiries[i] then
    call('SET', KEYS[i], states[i], 'PX', expiries[i])
  elseif states[i] then
    call('SET', KEYS[i], states[i], 'KEEPTTL')
  end
end
if asked == 0 then return stood end
local answer = {known and 2 or pass and 1 or 0}
for i = 1, asked do answer[i + 1] = held[i] end
answer[asked + 2] = now
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

// The scopes that one call of the script reads, and which settlements change each.
struct Plan {
  std::vector<const Scope*> scopes;
  std::vector<std::string> changes;  // by scope: numbers of settlements, from 1, a byte each
  std::string refunds;

  void change(const Scope& scope, std::size_t settlement) {
    const auto at = static_cast<std::size_t>(std::find(scopes.begin(), scopes.end(), &scope) - scopes.begin());
    if (at == scopes.size()) add(scope);
    changes[at].push_back(static_cast<char>(settlement));
  }
  void add(const Scope& scope) {
    scopes.push_back(&scope);
    changes.emplace_back();
  }
};

// Scopes that a settlement does not change are not touched.
Plan make_plan(const Batch& batch) {
  Plan plan;
  if (batch.request != nullptr)
    for (const auto& scope : batch.request->scopes) plan.add(*scope);
  for (std::size_t i = 0; i < batch.settlements.size(); ++i) {
    const std::int64_t refund = refund_of(*batch.settlements[i]);
    append_double(plan.refunds, refund);
    for (const auto& scope : batch.settlements[i]->scopes)
      if (settles(*scope, refund)) plan.change(*scope, i + 1);
  }
  return plan;
}

std::string packed_arguments(const Plan& plan, const Batch& batch, std::int64_t lease) {
  std::string out;
  out.reserve(256);  // of up to two scopes
  const std::size_t asked = batch.request != nullptr ? batch.request->scopes.size() : 0;
  append_double(out, static_cast<std::int64_t>(asked));
  append_double(out, batch.tokens);
  append_double(out, lease);
  append_double(out, static_cast<std::int64_t>(plan.scopes.size()));
  append_double(out, static_cast<std::int64_t>(batch.settlements.size()));
  for (const Scope* scope : plan.scopes) append_limits(out, *scope);
  out.append(plan.refunds);
  for (const std::string& numbers : plan.changes) out.append(1, static_cast<char>(numbers.size())).append(numbers);
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
  if (batch.request != nullptr) add("ticket:", batch.request->id.to_string());
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
  const AdmitRequest* const request = batch.request;
  const std::size_t keys = plan.scopes.size() + batch.settlements.size() + (request != nullptr ? 1 : 0);
  const std::int64_t lease = request != nullptr ? clamp_lease(request->lease).count() : 0;

  RespCommand command(kScriptArguments + keys + (request != nullptr ? 2 : 1));
  const bool by_hash = form == ScriptForm::hash;
  command.add(by_hash ? "EVALSHA" : "EVAL").add(by_hash ? std::string_view(hash) : kScript);
  command.add(static_cast<std::int64_t>(keys));
  add_keys(command, prefix, plan, batch);
  command.add(packed_arguments(plan, batch, lease));
  if (request != nullptr) command.add(lease + std::max<std::int64_t>(1, lease / 32));  // see lease_end()
  return command.take();
}

bool may_share(const Scopes& some, const Scopes& others) {
  for (const auto& a : some)
    for (const auto& b : others)
      if (a != b && a->hash == b->hash && a->key == b->key) return false;
  return true;
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
