#pragma once
// Secrets of the configuration: files, the environment, and text sealed with the master key (libsodium
// crypto_secretbox under a crypto_kdf subkey). Nothing here puts a secret's bytes into a message.
#include <filesystem>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::config {

inline constexpr std::size_t kMasterKeyBytes = 32;
inline constexpr std::size_t kMaxSecretBytes = 64 * 1024;

// The file's bytes without trailing line ends. Refused: missing, larger than 64 KiB, empty, readable or writable by
// everybody. Messages do not name the file.
Result<Secret> read_secret_file(const std::filesystem::path& path);

// The environment variable's value without trailing line ends.
Result<Secret> read_secret_env(const std::string& name);

// 32 bytes written raw, as 64 hexadecimal digits or as base64.
Result<Secret> parse_master_key(std::string_view text);
// The same from a file with read_secret_file's rules (but a raw key may end in what looks like a line end).
Result<Secret> read_master_key_file(const std::filesystem::path& path);

// Creates a master key file (mode 0600, hexadecimal). An existing file is an error: it is never replaced.
Status make_master_key(const std::filesystem::path& path);

// The text for `{sealed: …}`: "v1:" and base64. Different at every call.
// REQUIRES: a master key as parse_master_key gives it.
Result<std::string> seal(const Secret& master_key, const Secret& plain);
Result<Secret> unseal(const Secret& master_key, std::string_view sealed);

}  // namespace tollgate::config
