#include "gateway/auth/handles.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace tollgate::auth {
namespace {

constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "tg_named";
constexpr std::size_t kTag = 16;
constexpr std::size_t kMaxName = 1024;
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Secret subkey(const Secret& master_key, std::uint64_t number) {
  if (master_key.reveal().size() != crypto_kdf_KEYBYTES) throw std::runtime_error("the master key must be 32 bytes");
  std::string key(32, '\0');
  crypto_kdf_derive_from_key(bytes(key), key.size(), number, kContext, bytes(master_key.reveal()));
  return Secret(std::move(key));
}

std::string base64(std::string_view data) {
  std::string out(sodium_base64_encoded_len(data.size(), kBase64), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes(data), data.size(), kBase64);
  out.pop_back();  // the zero at its end
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(bytes(out), out.size(), text.data(), text.size(), nullptr, &size, nullptr, kBase64) != 0)
    return std::nullopt;
  out.resize(size);
  return out;
}

}  // namespace

Handles::Handles(const Secret& master_key) : hash_key_(subkey(master_key, 1)), cipher_key_(subkey(master_key, 2)) {}

// A zero after each part: ids hold none, so no two lists of parts read the same.
std::string Handles::tag(std::string_view kind, std::string_view department, std::string_view text) const {
  std::string whole;
  for (const auto part : {kind, department, text}) whole.append(part).push_back('\0');
  std::string out(kTag, '\0');
  crypto_generichash(bytes(out), out.size(), bytes(whole), whole.size(), bytes(hash_key_.reveal()),
                     hash_key_.reveal().size());
  return out;
}

std::string Handles::crypt(std::string_view tag, std::string_view text) const {
  std::string nonce(tag);
  nonce.resize(crypto_stream_xchacha20_NONCEBYTES, '\0');
  std::string out(text.size(), '\0');
  crypto_stream_xchacha20_xor(bytes(out), bytes(text), text.size(), bytes(nonce), bytes(cipher_key_.reveal()));
  return out;
}

std::string Handles::seal(std::string_view kind, std::string_view department, const Handle& handle) const {
  const std::string text = handle.provider + '\0' + handle.id;
  const std::string iv = tag(kind, department, text);
  return std::string(kind) + base64(iv + crypt(iv, text));
}

std::optional<Handle> Handles::open(std::string_view kind, std::string_view department, std::string_view name) const {
  if (!name.starts_with(kind) || name.size() > kMaxName) return std::nullopt;
  const auto sealed = from_base64(name.substr(kind.size()));
  if (!sealed || sealed->size() <= kTag) return std::nullopt;
  const std::string_view iv = std::string_view(*sealed).substr(0, kTag);
  const std::string text = crypt(iv, std::string_view(*sealed).substr(kTag));
  if (sodium_memcmp(bytes(tag(kind, department, text)), bytes(iv), kTag) != 0) return std::nullopt;
  const auto end = text.find('\0');
  if (end == std::string::npos) return std::nullopt;
  return Handle{text.substr(0, end), text.substr(end + 1)};
}

std::string Handles::owner_mark(std::string_view department) const {
  constexpr std::size_t kBytes = 12;
  const std::string mark = tag("owner", department, "");
  std::string out(2 * kBytes + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes(mark), kBytes);
  out.pop_back();
  return out;
}

// RFC 9562 §5.8: version 8, whose bits are the maker's own.
Uuid Handles::record_id(const Handle& handle) const {
  const std::string digest = tag("record", handle.provider, handle.id);
  Uuid out;
  std::copy(digest.begin(), digest.end(), out.bytes.begin());
  out.bytes[6] = static_cast<std::uint8_t>((out.bytes[6] & 0x0FU) | 0x80U);
  out.bytes[8] = static_cast<std::uint8_t>((out.bytes[8] & 0x3FU) | 0x80U);
  return out;
}

}  // namespace tollgate::auth
