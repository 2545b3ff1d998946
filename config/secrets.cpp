#include "config/secrets.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "config/files.h"

namespace tollgate::config {
namespace {

constexpr std::string_view kSealVersion = "v1:";
// Names the use of this subkey (crypto_kdf takes exactly eight bytes); other uses of the master key have other names.
constexpr const char* kSealContext = "tgsealed";
constexpr std::uint64_t kSealEpoch = 1;

Error failure(std::string message) { return Error{ErrorKind::invalid_request, std::move(message)}; }

Status ready() {
  if (sodium_init() < 0) return failure("the system gives no random numbers");
  return {};
}

std::string_view without_line_ends(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// A file's bytes, wiped when they die; trailing line ends are the caller's business.
Result<Secret> read_private(const std::filesystem::path& path) {
  TG_TRY(FileText file, read_file(path, kMaxSecretBytes));
  Secret secret(std::move(file.bytes));
  if ((file.mode & 07U) != 0) {
    const std::array<char, 4> octal{static_cast<char>('0' + ((file.mode >> 6U) & 7U)),
                                    static_cast<char>('0' + ((file.mode >> 3U) & 7U)),
                                    static_cast<char>('0' + (file.mode & 7U)), '\0'};
    return failure(std::string("is open to every user (mode 0") + octal.data() +
                   "): chmod 0600 it, or set defaultMode: 0440 on a Kubernetes volume");
  }
  if (secret.empty()) return failure("is empty");
  return secret;
}

Result<std::string> subkey(const Secret& master_key) {
  if (master_key.reveal().size() != kMasterKeyBytes) return failure("needs the master key");
  std::string key(crypto_secretbox_KEYBYTES, '\0');
  crypto_kdf_derive_from_key(reinterpret_cast<unsigned char*>(key.data()), key.size(), kSealEpoch, kSealContext,
                             reinterpret_cast<const unsigned char*>(master_key.reveal().data()));
  return key;
}

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool decode_base64(std::string_view text, std::string& out) {
  out.resize(text.size());
  std::size_t length = 0;
  if (sodium_base642bin(bytes(out), out.size(), text.data(), text.size(), nullptr, &length, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    return false;
  }
  out.resize(length);
  return true;
}

bool decode_hex(std::string_view text, std::string& out) {
  out.resize(text.size());
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_hex2bin(bytes(out), out.size(), text.data(), text.size(), nullptr, &length, &end) != 0) return false;
  out.resize(length);
  return end == text.data() + text.size();
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failure("cannot be written: " + std::generic_category().message(errno));
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

}  // namespace

Result<Secret> read_secret_file(const std::filesystem::path& path) {
  TG_TRY(const Secret raw, read_private(path));
  Secret trimmed(std::string(without_line_ends(raw.reveal())));
  if (trimmed.empty()) return failure("is empty");
  return trimmed;
}

Result<Secret> read_secret_env(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return failure("is not set");
  Secret secret(std::string(without_line_ends(value)));
  if (secret.empty()) return failure("is empty");
  return secret;
}

Result<Secret> parse_master_key(std::string_view text) {
  if (text.size() == kMasterKeyBytes) return Secret(std::string(text));  // raw bytes may well end in a line end
  const std::string_view trimmed = without_line_ends(text);
  std::string key;
  if (trimmed.size() == 2 * kMasterKeyBytes && decode_hex(trimmed, key)) return Secret(std::move(key));
  if (decode_base64(trimmed, key) && key.size() == kMasterKeyBytes) return Secret(std::move(key));
  return failure("is not a master key: expected 32 bytes, raw, as 64 hexadecimal digits or as base64");
}

Result<Secret> read_master_key_file(const std::filesystem::path& path) {
  TG_TRY(const Secret raw, read_private(path));
  return parse_master_key(raw.reveal());
}

Status make_master_key(const std::filesystem::path& path) {
  TG_CHECK(ready());
  std::array<unsigned char, kMasterKeyBytes> key{};
  randombytes_buf(key.data(), key.size());
  std::string hex(2 * key.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), key.data(), key.size());
  hex.back() = '\n';
  const Secret text(std::move(hex));
  sodium_memzero(key.data(), key.size());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return failure("exists already and is not replaced");
  if (fd < 0) return failure("cannot be created: " + std::generic_category().message(errno));
  Status written = write_all(fd, text.reveal());
  if (written.ok() && ::fsync(fd) != 0) written = failure("cannot be written");
  ::close(fd);
  return written;
}

Result<std::string> seal(const Secret& master_key, const Secret& plain) {
  TG_CHECK(ready());
  TG_TRY(std::string key, subkey(master_key));
  const std::string_view text = plain.reveal();
  std::string box(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + text.size(), '\0');
  randombytes_buf(box.data(), crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(bytes(box) + crypto_secretbox_NONCEBYTES, bytes(text), text.size(), bytes(box), bytes(key));
  sodium_memzero(key.data(), key.size());
  std::string encoded(sodium_base64_ENCODED_LEN(box.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(encoded.data(), encoded.size(), bytes(box), box.size(), sodium_base64_VARIANT_ORIGINAL);
  encoded.pop_back();  // the terminating zero
  return std::string(kSealVersion) + encoded;
}

Result<Secret> unseal(const Secret& master_key, std::string_view sealed) {
  constexpr std::size_t kOverhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  std::string box;
  if (!sealed.starts_with(kSealVersion) || !decode_base64(sealed.substr(kSealVersion.size()), box) ||
      box.size() < kOverhead) {
    return failure("is not sealed text: expected what `tollgate secret seal` prints");
  }
  TG_TRY(std::string key, subkey(master_key));
  std::string plain(box.size() - kOverhead, '\0');
  const int opened = crypto_secretbox_open_easy(bytes(plain), bytes(box) + crypto_secretbox_NONCEBYTES,
                                                box.size() - crypto_secretbox_NONCEBYTES, bytes(box), bytes(key));
  sodium_memzero(key.data(), key.size());
  if (opened != 0) return failure("was sealed with another master key, or was changed");
  return Secret(std::move(plain));
}

}  // namespace tollgate::config
