#pragma once
// Keys: how they look, how they are hashed, and the table a worker asks.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/snapshot.h"
#include "gateway/base/clock.h"
#include "gateway/base/ids.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::auth {

// "tg_<id>_<secret>_<checksum>": id 12 base62 characters, secret 43 (256 bits), checksum 6 (CRC-32 of what precedes it,
// so that secret scanners can match it and a mistyped key is told from a wrong one without a lookup).
struct ParsedKey {
  std::string_view id;
  std::string_view whole;
};
std::optional<ParsedKey> parse_key(std::string_view text);

struct NewKey {
  std::string id;
  Secret key;  // shown once, never stored
};
NewKey mint_key();

using KeyHash = std::array<std::uint8_t, 32>;

// Keyed BLAKE2b (libsodium crypto_generichash) under the pepper, a subkey of the master secret. Immutable; thread-safe.
class KeyHasher {
 public:
  explicit KeyHasher(const Secret& master_key);
  KeyHash hash(std::string_view key) const;
  std::int64_t pepper_id() const { return 1; }

 private:
  Secret pepper_;
};

// One stored credential.
struct Credential {
  std::string id;
  std::string department;
  std::string application;
  KeyHash hash{};
  std::int64_t pepper_id = 1;
  std::int64_t not_before = 0;  // Unix seconds; 0 = always
  std::int64_t expires_at = 0;  // Unix seconds; 0 = never
  std::int64_t revoked_at = 0;  // Unix seconds; 0 = not revoked
  std::int64_t created_at = 0;
  std::string created_by;
  std::int64_t last_used_day = 0;  // Unix days; 0 = never seen
  std::string note;
  std::string pii;  // name of a policy that joins its application's; empty: none of its own
};

// Who is calling. Small, copyable, no secrets; keeps its parts of the snapshot alive.
struct Principal {
  std::string credential;
  std::shared_ptr<const config::Department> department;
  const config::Application* application = nullptr;  // inside *department
  std::string pii = {};                              // the policy of the credential, by name; empty: none of its own
  // The call comes from a replica of the gateway, by this request id: its policies, limits and row are the replica's.
  std::optional<Uuid> relayed_as = std::nullopt;
};

// Immutable lookup table; built off the loops, shared by workers. 20,000 keys take well under a second to build and
// tens of nanoseconds to look up.
class CredentialTable {
 public:
  explicit CredentialTable(std::vector<Credential> credentials);  // of equal ids the first one counts
  CredentialTable(const CredentialTable&) = delete;               // the index points into the rows
  CredentialTable& operator=(const CredentialTable&) = delete;
  const Credential* find(std::string_view id) const;
  std::size_t size() const { return by_id_.size(); }

 private:
  std::vector<Credential> rows_;
  std::unordered_map<std::string_view, const Credential*> by_id_;
};

// Unknown, wrong, revoked, expired and not-yet-valid keys get the same 401 with the same work done: one hash and one
// constant-time comparison (against a dummy for unknown ids). A key whose department or application is no longer
// configured gets it too.
Result<Principal> authenticate(std::string_view presented, const CredentialTable& table, const KeyHasher& hasher,
                               const config::Snapshot& snapshot, SystemTime now);

// The replica whose secret is presented; null: nobody's. All are compared, with the same work.
const config::Replica* find_replica(std::string_view presented, const std::vector<config::Replica>& replicas,
                                    const KeyHasher& hasher);

// The key a request presents: Authorization: Bearer, api-key, x-api-key, x-goog-api-key, and on Google's
// paths ?key=; empty when none.
std::string_view presented_key(const net::HeadFacts& head);

}  // namespace tollgate::auth
