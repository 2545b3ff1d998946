#include "providers/identity/crypto.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <memory>
#include <stdexcept>

#include "providers/identity/credential.h"

namespace tollgate::providers {
namespace {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;

constexpr int kMinRsaBits = 2048;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// Fetched once: a look-up by name for each digest costs twice as much as a short digest does.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

// Hashing fails only when OpenSSL is out of memory or has no SHA-256: nothing a caller could do about.
void demand(bool good) {
  if (!good) throw std::runtime_error("OpenSSL could not compute a SHA-256");
}

Error key_error(std::string_view what) {
  ERR_clear_error();
  return no_credential("the private key " + std::string(what));
}

int no_pass_phrase(char*, int, int, void*) { return -1; }

Result<Key> read_key(const Secret& pem) {
  const std::string_view text = pem.reveal();
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return key_error("could not be read");
  // Without a callback of ours OpenSSL would ask for the pass phrase at the terminal.
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!key) return key_error("is not readable PEM");
  if (EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) return key_error("is not an RSA key");
  if (EVP_PKEY_bits(key.get()) < kMinRsaBits) return key_error("is shorter than 2048 bits");
  return key;
}

}  // namespace

Digest sha256(std::string_view bytes) {
  Digest digest;
  demand(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, sha256_method(), nullptr) == 1);
  return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest digest;
  demand(HMAC(sha256_method(), key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(), digest.data(),
              nullptr) != nullptr);
  return digest;
}

std::string lower_hex(const Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock(3) ends it with a zero
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string base64url(std::string_view bytes) {
  std::string text = base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

Result<std::string> sign_rs256(const Secret& private_key_pem, std::string_view input) {
  TG_TRY(const Key key, read_key(private_key_pem));
  const Context context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_size(key.get())), '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(input),
                     input.size()) != 1)
    return key_error("could not sign");
  signature.resize(size);
  return signature;
}

Status check_rsa_key(const Secret& private_key_pem) {
  TG_CHECK(read_key(private_key_pem));
  return {};
}

}  // namespace tollgate::providers
