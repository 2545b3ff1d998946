#pragma once
// Personal data and secrets in text: find, replace on the way up, put back on the way down. Knows text, not requests.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "pii/entity.h"

namespace tollgate::pii {

// Byte offsets in the scanned UTF-8 text; end exclusive.
struct Finding {
  EntityType type = EntityType::email_address;
  std::size_t start = 0;
  std::size_t end = 0;
  double score = 0;  // 0..1
};

enum class Action : std::uint8_t { pseudonymise, redact, block, allow };

// A named policy, as configured.
struct PolicyOptions {
  std::string name;
  Action action = Action::pseudonymise;  // for every type not listed
  std::map<EntityType, Action> types;
  bool restore = true;  // put values back into answers
  double threshold = 0.5;
  std::string rule_pack = "2026-11";  // pinned: an upgrade never changes a redaction unreviewed
  enum class OnError : std::uint8_t { block, pass } on_error = OnError::block;
  // What no scanner reads: pictures, sound, files. Passes unless a policy says otherwise, as it has always done.
  enum class OnOpaque : std::uint8_t { pass, refuse } on_opaque = OnOpaque::pass;
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
  explicit Pseudonymiser(const Secret& tenant_key);  // REQUIRES: at least 32 bytes
  std::string token(EntityType type, std::string_view value) const;

 private:
  Secret key_;
};

struct Replacement {
  std::size_t start = 0;  // bytes of the scanned text
  std::size_t end = 0;
  std::string with;
  EntityType type = EntityType::email_address;
};

struct Counts {
  std::int64_t by_type[kEntityTypes] = {};
  std::int64_t total() const;
};

// What a policy does to one text, as replacements in order of position. `with` needs no JSON escape: a token, or, where
// the policy redacts, the type's name in brackets ("[EMAIL_ADDRESS]"). Adds what is replaced to `counts` and, where the
// policy restores, what is pseudonymised to `map`. Error permission_denied with code "pii_blocked" when the
// policy blocks a type that was found (the message names the type, never the value).
// A value inside something of a token's form is left alone.
Result<std::vector<Replacement>> scrub(std::string_view text, const Scanner& scanner, const PolicyOptions& policy,
                                       const Pseudonymiser& pseudonymiser, RestoreMap& map, Counts& counts);

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
  bool holding() const { return !held_.empty(); }
  std::int64_t restored() const { return restored_; }  // tokens put back so far

 private:
  // Appends what is certain of `text`, and returns how many bytes that was.
  std::size_t consume(std::string_view text, std::string& out);

  const RestoreMap* map_;
  RestoreMode mode_;
  std::string held_;
  std::int64_t restored_ = 0;
};

}  // namespace tollgate::pii
