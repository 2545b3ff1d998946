#pragma once
// Names for what a provider keeps for a department (files, batches). Nothing is stored here: the name itself says which
// provider and which object, to us alone, and is good in the hands of its department only.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/ids.h"
#include "gateway/base/secret.h"

namespace tollgate::auth {

struct Handle {
  std::string provider;  // its id in the configuration
  std::string id;        // the provider's own name of the object
};

// Under subkeys of the master secret, so replicas agree and a restart changes nothing. Immutable; thread-safe. A name
// is sealed with the hash of what it says as the nonce (a synthetic IV, as RFC 5297 has it): the same object always has
// the same name, and a name that was not made here, or for another department or kind, does not open.
class Handles {
 public:
  explicit Handles(const Secret& master_key);

  // `kind` stands before the name: "file-", "batch_".
  std::string seal(std::string_view kind, std::string_view department, const Handle& handle) const;
  std::optional<Handle> open(std::string_view kind, std::string_view department, std::string_view name) const;

  // 24 letters and digits that nobody else can make: what a department has sent is known by it again.
  std::string owner_mark(std::string_view department) const;
  // The id of the one usage record that an object may have, however often it is fetched.
  Uuid record_id(const Handle& handle) const;

 private:
  std::string tag(std::string_view kind, std::string_view department, std::string_view text) const;
  std::string crypt(std::string_view tag, std::string_view text) const;

  Secret hash_key_;
  Secret cipher_key_;
};

}  // namespace tollgate::auth
