#pragma once
// Personal data and secrets in text: find, replace on the way up, put back on the way down. Knows text, not requests.
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "pii/entity.h"
#include "pii/policy.h"
#include "pii/reason.h"

namespace tollgate::pii {

// Byte offsets in the scanned UTF-8 text; end exclusive.
struct Finding {
  EntityType type = EntityType::email_address;
  std::size_t start = 0;
  std::size_t end = 0;
  double score = 0;         // 0..1
  std::uint8_t custom = 0;  // the number of one of the house's own detectors; `type` is then custom
  Reason why{};
};

// How many code points a piece of valid UTF-8 has: turns byte offsets into the offsets that Presidio's users know.
std::size_t code_points(std::string_view utf8);

// Finds candidates in one pass over the bytes; RE2 and validators run on windows around them only.
// Immutable after construction; thread-safe.
class Scanner {
 public:
  Scanner();
  ~Scanner();
  // Findings in order, not overlapping (the more certain, then the longer, wins), of these types only. Text must be
  // valid UTF-8.
  std::vector<Finding> scan(std::string_view text, const TypeSet& types = TypeSet().set()) const;

 private:
  struct Rules;
  std::unique_ptr<Rules> rules_;
};

// value <-> token for one conversation: injective, so that restore is exact. Holds PII: never logged, dies with the
// call. Not thread-safe.
class RestoreMap {
 public:
  // First spelling of a value wins.
  void add(std::string token, std::string value);
  // nullptr when the token was not made for this conversation.
  const std::string* value_of(std::string_view token) const;
  // Whether some token of this conversation begins with `prefix`.
  bool starts_a_token(std::string_view prefix) const;
  bool empty() const { return by_token_.empty(); }
  std::size_t size() const { return by_token_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> by_token_;  // ordered: prefixes are looked up
};

// Tokens are letters and digits of one fixed length (JSON and Markdown escape everything else), start with
// kTokenPrefix, and are an HMAC of the normalised value under a tenant key: the same value gives the same token in
// every message, turn and replica, so the provider's prompt cache stays warm. Thread-safe.
inline constexpr std::string_view kTokenPrefix = "Tgx";
inline constexpr std::size_t kTokenLength = 3 + 2 + 20;  // prefix, two letters for the type, base32 of 100 bits
class Pseudonymiser {
 public:
  // REQUIRES: keys of at least 32 bytes. `previous`: the key before the last rotation, empty where there was none.
  explicit Pseudonymiser(const Secret& tenant_key, const Secret& previous = {});
  std::string token(EntityType type, std::string_view value) const;
  // The token that `value` had before the keys were rotated: what a conversation that is under way may still say.
  std::optional<std::string> previous_token(EntityType type, std::string_view value) const;
  // The digest that stands in the text where a policy hashes: 20 characters, of no use for restoring.
  std::string digest(EntityType type, std::string_view value) const;
  // The digest that the log shows: 12 characters, the same for a value within a period and no other.
  std::string audit_digest(EntityType type, std::string_view value, std::int64_t period) const;

 private:
  Secret token_key_;
  Secret previous_token_key_;
  Secret digest_key_;
  Secret audit_key_;
};

struct Replacement {
  std::size_t start = 0;  // bytes of the scanned text
  std::size_t end = 0;
  std::string with;
  EntityType type = EntityType::email_address;
};

// How many values of each type met each action.
class Counts {
 public:
  struct Entry {
    std::string type;
    Action action;
    std::int64_t count;
  };
  void add(std::string_view type, Action action);
  const std::vector<Entry>& entries() const { return entries_; }
  std::int64_t of(std::string_view type) const;
  std::int64_t total() const;

 private:
  std::vector<Entry> entries_;  // few: a call has a handful of types
};

// One finding as it may be written down: nothing of the value or its neighbours.
struct Audited {
  std::string type;
  Action action = Action::allow;
  double score = 0;
  std::string rule;           // its id, see reason.h
  std::string terms;          // what its score counts
  std::string_view position;  // the kind of field, such as "user"
  std::size_t length = 0;     // bytes
  std::string digest;
};
inline constexpr std::size_t kMostAudited = 16;  // of one call; the counts tell of the others

// What scrubbing the texts of one call leaves behind. Holds PII (in `restore`): dies with the call, is never logged.
struct Scrubbed {
  RestoreMap restore;                     // what was pseudonymised, where the policies restore
  Counts counts;                          // of all that a policy acts on or logs, the value that blocked included
  std::optional<std::string> local_only;  // the type of what only models inside the house may see
  std::vector<Audited> audit;             // the first kMostAudited
  std::string_view position;              // of the text that is being scrubbed; set by who walks them
  std::int64_t audit_period = 0;          // rotates the digests of `audit`
};

// What the policies ask for in a text, but for values inside something of a token's form: those were replaced in an
// earlier turn.
std::vector<Finding> find(std::string_view text, const Scanner& scanner, const Policies& policies);

// Adds what somebody else found in the text. `quoted`: the text is JSON, where no finding may reach over a quote or a
// backslash; what does is taken apart.
std::vector<Finding> merge(std::string_view text, const std::vector<Finding>& found, const std::vector<Finding>& others,
                           bool quoted);

// What the policies put in the place of one value; nullopt: it stays. Needs no JSON escape: letters, digits, stars,
// brackets and the separators that stood there. Error permission_denied with code "pii_blocked" where they block (the
// message names the type, never the value).
Result<std::optional<std::string>> replacement(const Finding& finding, std::string_view value, const Policies& policies,
                                               const Pseudonymiser& pseudonymiser, Scrubbed& out);

// The same for all findings of one text, in order of position.
Result<std::vector<Replacement>> scrub(std::string_view text, const std::vector<Finding>& findings,
                                       const Policies& policies, const Pseudonymiser& pseudonymiser, Scrubbed& out);

// Puts values back into one text stream that may be cut anywhere. Holds back only the longest suffix that could be the
// start of a token of this conversation; the output is the same for every cutting.
enum class RestoreMode : std::uint8_t { text, json };  // json: values are escaped for the inside of a JSON string
class StreamRestorer {
 public:
  StreamRestorer(const RestoreMap& map, RestoreMode mode) : map_(&map), mode_(mode) {}
  // Appends what is now certain to `out`.
  void feed(std::string_view piece, std::string& out);
  // The text ended: what was held back is no token.
  void finish(std::string& out);
  bool holding() const { return held_size_ != 0; }
  std::int64_t restored() const { return restored_; }  // tokens put back so far

 private:
  // Appends what is certain of `text`, and returns how many bytes that was.
  std::size_t consume(std::string_view text, std::string& out);
  void hold(std::string_view text);

  const RestoreMap* map_;
  RestoreMode mode_;
  std::array<char, kTokenLength> held_{};  // the start of what may become a token
  std::uint8_t held_size_ = 0;
  std::int64_t restored_ = 0;
};
static_assert(sizeof(StreamRestorer) <= 256, "it is all that a waiting stream costs: there is nothing on the heap");

}  // namespace tollgate::pii
