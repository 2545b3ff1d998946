#pragma once
// Private to providers/identity: the few primitives that signatures and assertions need, all of them OpenSSL's. The
// only file of this folder that includes it is crypto.cpp.
#include <array>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::providers {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view bytes);  // RFC 2104
std::string lower_hex(const Digest& digest);
std::string base64(std::string_view bytes);  // RFC 4648 §4
// RFC 4648 §5, without padding, as JWTs want it (RFC 7515 §2).
std::string base64url(std::string_view bytes);

// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3), the raw signature. Errors name no part of the key.
Result<std::string> sign_rs256(const Secret& private_key_pem, std::string_view input);
// The text is an RSA private key of at least 2048 bits, in PEM and without a pass phrase.
Status check_rsa_key(const Secret& private_key_pem);

inline std::string_view as_text(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace tollgate::providers
