#include "gateway/auth/keys.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

#include "gateway/net/percent.h"

namespace tollgate::auth {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kPrefix = "tg_";
constexpr std::size_t kIdLength = 12;
constexpr std::size_t kSecretLength = 43;   // 43 * log2(62) > 256 bits
constexpr std::size_t kChecksumLength = 6;  // 62^6 > 2^32
constexpr std::size_t kKeyLength = 3 + kIdLength + 1 + kSecretLength + 1 + kChecksumLength;

constexpr std::uint64_t kPepperEpoch = 1;
constexpr char kPepperContext[crypto_kdf_CONTEXTBYTES + 1] = "tg_keys_";

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// CRC-32 (ISO-HDLC, the one of zip and PNG): a checksum against typing errors, not a defence.
constexpr auto kCrcOfByte = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
    table[byte] = crc;
  }
  return table;
}();
constexpr std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : text) crc = (crc >> 8) ^ kCrcOfByte[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  return ~crc;
}
static_assert(crc32("123456789") == 0xCBF43926U);

// libsodium chooses its fast code here; idempotent and thread-safe.
void start_sodium() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start: the system has no source of randomness");
}

void append_random(std::string& out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out.push_back(kBase62[randombytes_uniform(kBase62.size())]);
}

std::string checksum(std::string_view text) {
  std::uint32_t value = crc32(text);
  std::string out(kChecksumLength, '0');
  for (std::size_t i = kChecksumLength; i-- > 0; value /= kBase62.size()) out[i] = kBase62[value % kBase62.size()];
  return out;
}

bool all_base62(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}

// The one place where secrets are compared: constant time.
bool same_hash(const KeyHash& a, const KeyHash& b) { return sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

Error not_accepted(std::string message) {
  return Error{
      .kind = ErrorKind::unauthenticated, .message = std::move(message), .code = "invalid_api_key", .retryable = false};
}

bool in_force(const Credential& c, std::int64_t now) {
  return now >= c.not_before && (c.expires_at == 0 || now < c.expires_at) && (c.revoked_at == 0 || now < c.revoked_at);
}

}  // namespace

std::optional<ParsedKey> parse_key(std::string_view text) {
  if (text.size() != kKeyLength || !text.starts_with(kPrefix)) return std::nullopt;
  const auto id = text.substr(kPrefix.size(), kIdLength);
  const auto secret = text.substr(kPrefix.size() + kIdLength + 1, kSecretLength);
  const auto body = text.substr(0, kKeyLength - kChecksumLength - 1);
  const bool separated = text[kPrefix.size() + kIdLength] == '_' && text[body.size()] == '_';
  if (!separated || !all_base62(id) || !all_base62(secret)) return std::nullopt;
  if (text.substr(body.size() + 1) != checksum(body)) return std::nullopt;
  return ParsedKey{id, text};
}

NewKey mint_key() {
  start_sodium();
  NewKey out;
  append_random(out.id, kIdLength);
  std::string key(kPrefix);
  key.reserve(kKeyLength);
  key.append(out.id).append("_");
  append_random(key, kSecretLength);
  const std::string check = checksum(key);
  key.append("_").append(check);
  out.key = Secret(std::move(key));
  return out;
}

KeyHasher::KeyHasher(const Secret& master_key) {
  start_sodium();
  if (master_key.reveal().size() != crypto_kdf_KEYBYTES) throw std::runtime_error("the master key must be 32 bytes");
  std::string pepper(crypto_generichash_KEYBYTES, '\0');
  crypto_kdf_derive_from_key(reinterpret_cast<unsigned char*>(pepper.data()), pepper.size(), kPepperEpoch,
                             kPepperContext, bytes(master_key.reveal()));
  pepper_ = Secret(std::move(pepper));
}

KeyHash KeyHasher::hash(std::string_view key) const {
  KeyHash out{};
  crypto_generichash(out.data(), out.size(), bytes(key), key.size(), bytes(pepper_.reveal()), pepper_.reveal().size());
  return out;
}

CredentialTable::CredentialTable(std::vector<Credential> credentials) : rows_(std::move(credentials)) {
  by_id_.reserve(rows_.size());
  for (const auto& row : rows_) by_id_.emplace(row.id, &row);
}

const Credential* CredentialTable::find(std::string_view id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

Result<Principal> authenticate(std::string_view presented, const CredentialTable& table, const KeyHasher& hasher,
                               const config::Snapshot& snapshot, SystemTime now) {
  if (presented.empty())
    return not_accepted(
        "You didn't provide an API key. Send it in an Authorization header: Authorization: Bearer YOUR_KEY. "
        "Your platform team issues keys for this gateway.");
  // Known or not, right or wrong: one hash and one comparison.
  static const KeyHash kNobody{};
  const auto parsed = parse_key(presented);
  const Credential* credential = parsed ? table.find(parsed->id) : nullptr;
  const KeyHash hash = hasher.hash(presented);
  const bool matches = same_hash(hash, credential != nullptr ? credential->hash : kNobody);
  const auto seconds = unix_ms(now) / 1000;
  const auto wrong = [] {
    return not_accepted(
        "Incorrect API key provided. Check that it is complete and was issued for this gateway, "
        "and that it has not expired or been revoked.");
  };
  if (credential == nullptr || !matches || !in_force(*credential, seconds)) return wrong();
  const auto department = snapshot.departments.find(credential->department);
  if (department == snapshot.departments.end()) return wrong();
  const auto* application = department->second->application(credential->application);
  if (application == nullptr) return wrong();
  return Principal{credential->id, department->second, application, credential->pii};
}

const config::Replica* find_replica(std::string_view presented, const std::vector<config::Replica>& replicas,
                                    const KeyHasher& hasher) {
  if (replicas.empty()) return nullptr;
  const KeyHash hash = hasher.hash(presented);
  const config::Replica* found = nullptr;
  for (const config::Replica& replica : replicas)
    if (same_hash(hash, hasher.hash(replica.secret->reveal()))) found = &replica;
  return found;
}

std::string_view presented_key(const net::HeadFacts& head) {
  constexpr std::string_view kBearer = "Bearer ";
  const auto authorization = head.header("authorization");
  if (authorization.size() > kBearer.size() && net::iequals(authorization.substr(0, kBearer.size()), kBearer))
    return authorization.substr(kBearer.size());
  for (const auto* name : {"api-key", "x-api-key", "x-goog-api-key"})
    if (const auto value = head.header(name); !value.empty()) return value;
  // Proxies on the way write queries into their logs, so only the API that has its key there may be called so.
  return head.path().starts_with("/v1beta") ? net::query_value(head.target, "key") : std::string_view();
}

}  // namespace tollgate::auth
