#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "pii/pii.h"
#include "pii/token.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

// One spelling per value: what people write differently without meaning anything else. kInvisible: not written.
char normal(Spelling spelling, char c) {
  switch (spelling) {
    case Spelling::digits:
      return is_digit(c) ? c : kInvisible;
    case Spelling::alphanumeric:
      return is_alnum(c) ? to_upper(c) : kInvisible;
    default:
      return to_lower(c);
  }
}

// What is hashed: `before`, the type and the value in its one spelling. Never longer than as written.
std::string message_of(const Entity& entity, std::string_view value, std::string_view before = {}) {
  std::string out(before.size() + entity.letters.size() + value.size(), '\0');
  char* end = std::copy(before.begin(), before.end(), out.data());
  end = std::copy(entity.letters.begin(), entity.letters.end(), end);
  if (entity.spelling == Spelling::exact) {
    std::copy(value.begin(), value.end(), end);
    return out;
  }
  for (std::size_t pos = 0; pos < value.size();) {
    const Unit unit = unit_at(value, pos);
    if (const char c = normal(entity.spelling, unit.c); c != kInvisible) *end++ = c;
    pos += unit.length;
  }
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

constexpr std::size_t kDigestBytes = 16;  // the least BLAKE2b gives here
constexpr std::size_t kDigestLength = kTokenLength - kTokenPrefix.size() - 2;

// A subkey of the right size for any length of key, and of no use for anything else.
Secret subkey(const Secret& tenant_key, std::string_view purpose) {
  if (tenant_key.reveal().size() < crypto_generichash_KEYBYTES)
    throw std::invalid_argument("a pseudonym key has at least 32 bytes");
  std::string key(crypto_generichash_KEYBYTES_MAX, '\0');
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, key.size());
  for (const auto bytes : {purpose, tenant_key.reveal()})
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(key.data()), key.size());
  sodium_memzero(&state, sizeof state);
  return Secret(std::move(key));
}

using Digest = std::array<unsigned char, kDigestBytes>;

// `length` characters of five bits each at `out`.
void write_letters(const Digest& digest, std::size_t length, char* out) {
  unsigned bits = 0;
  unsigned held = 0;
  for (std::size_t i = 0, written = 0; written < length; ++written) {
    if (held < 5) {
      bits = (bits << 8U) | digest[i++];
      held += 8;
    }
    held -= 5;
    *out++ = kTokenAlphabet[(bits >> held) & 31U];
  }
}

// The first 100 bits of the keyed digest, as 20 characters at `out`.
void write_digest(const Secret& secret, EntityType type, std::string_view value, char* out) {
  std::string message = message_of(entity(type), value);
  Digest digest{};
  const auto key = secret.reveal();
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(message.data()),
                     message.size(), reinterpret_cast<const unsigned char*>(key.data()), key.size());
  sodium_memzero(message.data(), message.size());
  write_letters(digest, kDigestLength, out);
}

std::string make_token(const Secret& key, EntityType type, std::string_view value) {
  const std::string_view letters = entity(type).letters;
  std::string out(kTokenLength, '\0');
  char* end = std::copy(kTokenPrefix.begin(), kTokenPrefix.end(), out.data());
  end = std::copy(letters.begin(), letters.end(), end);
  write_digest(key, type, value, end);
  return out;
}

constexpr std::string_view kTokenPurpose = "tollgate.pii.token.1";
constexpr std::string_view kAuditPurpose = "tollgate.pii.audit.1";
constexpr std::size_t kAuditLength = 12;
constexpr std::string_view kDigestPurpose = "tollgate.pii.digest.1";

}  // namespace

Pseudonymiser::Pseudonymiser(const Secret& tenant_key, const Secret& previous) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  token_key_ = subkey(tenant_key, kTokenPurpose);
  digest_key_ = subkey(tenant_key, kDigestPurpose);
  audit_key_ = subkey(tenant_key, kAuditPurpose);
  if (!previous.empty()) previous_token_key_ = subkey(previous, kTokenPurpose);
}

std::string Pseudonymiser::token(EntityType type, std::string_view value) const {
  return make_token(token_key_, type, value);
}

std::optional<std::string> Pseudonymiser::previous_token(EntityType type, std::string_view value) const {
  if (previous_token_key_.empty()) return std::nullopt;
  return make_token(previous_token_key_, type, value);
}

std::string Pseudonymiser::digest(EntityType type, std::string_view value) const {
  std::string out(kDigestLength, '\0');
  write_digest(digest_key_, type, value, out.data());
  return out;
}

// SipHash-2-4 with 128 bits of output is a keyed pseudo-random function, and a tenth of BLAKE2b's work on what is this
// short. It will do where nothing is restored by the result.
std::string Pseudonymiser::audit_digest(EntityType type, std::string_view value, std::int64_t period) const {
  std::array<char, sizeof period> era{};
  std::memcpy(era.data(), &period, era.size());
  std::string message = message_of(entity(type), value, {era.data(), era.size()});
  Digest digest{};
  static_assert(sizeof digest == crypto_shorthash_siphashx24_BYTES);
  crypto_shorthash_siphashx24(digest.data(), reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                              reinterpret_cast<const unsigned char*>(audit_key_.reveal().data()));
  sodium_memzero(message.data(), message.size());
  std::string out(kAuditLength, '\0');
  write_letters(digest, kAuditLength, out.data());
  return out;
}

}  // namespace tollgate::pii
