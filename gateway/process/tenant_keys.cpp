#include "gateway/process/tenant_keys.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace tollgate::process {
namespace {

constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "tg_pseud";

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

Secret pseudonym_key(const Secret& master_key, std::string_view department, std::uint64_t epoch) {
  if (master_key.reveal().size() != crypto_kdf_KEYBYTES) throw std::runtime_error("the master key must be 32 bytes");
  std::array<unsigned char, crypto_generichash_KEYBYTES> subkey{};
  crypto_kdf_derive_from_key(subkey.data(), subkey.size(), epoch, kContext, bytes(master_key.reveal()));
  std::string key(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(key.data()), key.size(), bytes(department), department.size(),
                     subkey.data(), subkey.size());
  sodium_memzero(subkey.data(), subkey.size());
  return Secret(std::move(key));
}

}  // namespace tollgate::process
