#include <sodium.h>

#include <algorithm>
#include <array>
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

// What is hashed: the type and the value in its one spelling. Never longer than as written.
std::string message_of(const Entity& entity, std::string_view value) {
  std::string out(entity.letters.size() + value.size(), '\0');
  char* end = std::copy(entity.letters.begin(), entity.letters.end(), out.data());
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

constexpr std::size_t kDigestBytes = 16;  // the least BLAKE2b gives here; the token takes the first 100 bits

}  // namespace

Pseudonymiser::Pseudonymiser(const Secret& tenant_key) {
  if (tenant_key.reveal().size() < crypto_generichash_KEYBYTES)
    throw std::invalid_argument("a pseudonym key has at least 32 bytes");
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  // A subkey of the right size for any length of key, and of no use for anything else.
  static constexpr std::string_view kPurpose = "tollgate.pii.token.1";
  std::string key(crypto_generichash_KEYBYTES_MAX, '\0');
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, key.size());
  const auto update = [&state](std::string_view bytes) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  };
  update(kPurpose);
  update(tenant_key.reveal());
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(key.data()), key.size());
  key_ = Secret(std::move(key));
  sodium_memzero(&state, sizeof state);
}

std::string Pseudonymiser::token(EntityType type, std::string_view value) const {
  const std::string_view letters = entity(type).letters;
  std::string message = message_of(entity(type), value);
  std::array<unsigned char, kDigestBytes> digest{};
  const auto key = key_.reveal();
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(message.data()),
                     message.size(), reinterpret_cast<const unsigned char*>(key.data()), key.size());
  sodium_memzero(message.data(), message.size());
  std::string out(kTokenLength, '\0');
  char* end = std::copy(kTokenPrefix.begin(), kTokenPrefix.end(), out.data());
  end = std::copy(letters.begin(), letters.end(), end);
  unsigned bits = 0;
  unsigned held = 0;
  for (std::size_t i = 0; end != out.data() + kTokenLength;) {
    if (held < 5) {
      bits = (bits << 8U) | digest[i++];
      held += 8;
    }
    held -= 5;
    *end++ = kTokenAlphabet[(bits >> held) & 31U];
  }
  return out;
}

}  // namespace tollgate::pii
