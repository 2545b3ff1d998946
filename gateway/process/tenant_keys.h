#pragma once
// Keys that are derived from the master secret (libsodium crypto_kdf), one purpose each.
#include <cstdint>
#include <string_view>

#include "gateway/base/secret.h"

namespace tollgate::process {

// The key under which one department's pseudonyms are made: no department can recognise another's values. Rotation is
// the next epoch.
Secret pseudonym_key(const Secret& master_key, std::string_view department, std::uint64_t epoch);

}  // namespace tollgate::process
