#include "pii/text_digest.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <cstdint>
#include <stdexcept>

namespace tollgate::pii {
namespace {

struct FreeContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

// Fails only where OpenSSL is out of memory or was built without Poly1305.
void demand(bool good) {
  if (!good) throw std::runtime_error("OpenSSL does not compute Poly1305");
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

struct TextDigest::Method {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
  std::array<unsigned char, 32> key{};

  Method() {
    demand(mac != nullptr && sodium_init() >= 0);
    randombytes_buf(key.data(), key.size());
  }
  ~Method() {
    sodium_memzero(key.data(), key.size());
    EVP_MAC_free(mac);
  }
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;

  // Kept by the thread: to make one costs more than the digest of a short text.
  EVP_MAC_CTX* context() const {
    thread_local std::unique_ptr<EVP_MAC_CTX, FreeContext> kept;
    if (!kept) kept.reset(EVP_MAC_CTX_new(mac));
    demand(kept != nullptr);
    return kept.get();
  }
};

TextDigest::TextDigest() : method_(std::make_unique<const Method>()) {}
TextDigest::~TextDigest() = default;

TextDigest::Value TextDigest::operator()(std::string_view scope, std::string_view text) const {
  EVP_MAC_CTX* const context = method_->context();
  const std::uint64_t border = scope.size();
  Value out{};
  std::size_t length = 0;
  demand(EVP_MAC_init(context, method_->key.data(), method_->key.size(), nullptr) == 1 &&
         EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(&border), sizeof border) == 1 &&
         EVP_MAC_update(context, bytes_of(scope), scope.size()) == 1 &&
         EVP_MAC_update(context, bytes_of(text), text.size()) == 1 &&
         EVP_MAC_final(context, out.data(), &length, out.size()) == 1);
  return out;
}

}  // namespace tollgate::pii
