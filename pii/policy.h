#pragma once
// What is done with what is found: a rule per type makes a policy, and several policies may meet in one call.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pii/entity.h"

namespace tollgate::pii {

struct Finding;
class CustomDetectors;

// From the most lenient to the strictest: by what a provider learns of a value, then by what the caller gets back.
// Where policies meet, the strictest counts.
enum class Action : std::uint8_t {
  allow,
  log_only,          // counted, nothing is changed
  mask,              // stars, but for separators and the last few letters or digits
  pseudonymise,      // a token, which answers give back as the value
  hash,              // a keyed digest, for good
  redact,            // the type's name, for good
  route_local_only,  // unchanged, but only models inside the house may see it
  block,             // the call is refused
};
inline constexpr std::size_t kActions = static_cast<std::size_t>(Action::block) + 1;
std::string_view to_string(Action action);

// What nobody reads: images, sound, files, token ids; what is new in answers. From the most lenient to the strictest.
enum class OnOpaque : std::uint8_t { pass, local_only, refuse };
std::string_view to_string(OnOpaque what);

// What is done with values of one type.
struct TypeRule {
  Action action = Action::pseudonymise;
  double threshold = 0.5;     // a finding with a lower score is not one
  std::size_t keep_last = 4;  // mask: letters and digits that stay, but never more than half of them
};

// A named policy, as configured.
struct PolicyOptions {
  std::string name;
  TypeRule rule;  // for every type not listed
  std::map<EntityType, TypeRule> types;
  std::map<std::string, TypeRule> custom;            // by the name of a detector; those not listed are not asked
  std::shared_ptr<const CustomDetectors> detectors;  // of the whole configuration; null: there are none
  std::set<std::string> never;                       // values that are no finding, as fold_words leaves them
  std::vector<std::string> analysers;                // other people's detectors that are asked too, by name
  std::vector<std::string> countries;                // whose national identifiers are looked for; none: everybody's
  bool restore = true;                               // put values back into answers
  std::string rule_pack = "2026-11";                 // pinned: an upgrade never changes a redaction unreviewed
  enum class OnError : std::uint8_t { pass, block } on_error = OnError::block;
  OnOpaque on_opaque = OnOpaque::pass;

  const TypeRule& rule_for(const Finding& finding) const;
};

// The policies that meet in one call: the organisation's, the department's, the application's, the key's, the
// model's. Holds pointers: the configuration outlives it.
class Policies {
 public:
  Policies() = default;
  explicit Policies(const PolicyOptions& only) { add(&only); }
  void add(const PolicyOptions* policy);                       // null: that level has none
  void add_countries(std::span<const std::string> countries);  // ISO 3166-1 alpha-2

  bool empty() const { return count_ == 0; }
  // The strictest of what the policies say whose threshold the finding reaches; `allow` where it reaches none. Of two
  // that mask, the fewer characters stay.
  TypeRule decide(const Finding& finding, std::string_view value) const;
  std::string_view name_of(const Finding& finding) const;  // "CREDIT_CARD", or what the house calls it
  // What is looked for: the types of all countries that some level names, of every country where none names any.
  TypeSet types() const { return types_.none() ? TypeSet().set() : types_; }
  // Other people's detectors that some level asks for, each once.
  const std::vector<std::string>& analysers() const { return analysers_; }
  // All that the findings in a text depend on beside the text: equal for policies that look for the same.
  std::string scan_scope() const;
  // Appends what the house's own detectors find, of those that some policy asks for. True where there is something.
  bool detect_custom(std::string_view text, std::vector<Finding>& out) const;
  bool restore() const;  // all agree
  PolicyOptions::OnError on_error() const;
  OnOpaque on_opaque() const;
  std::string rule_pack() const;

 private:
  static constexpr std::size_t kLevels = 5;
  std::array<const PolicyOptions*, kLevels> policies_{};
  std::size_t count_ = 0;
  TypeSet types_;
  std::vector<std::uint8_t> custom_;  // numbers of detectors, each once
  const CustomDetectors* detectors_ = nullptr;
  std::vector<std::string> analysers_;
};

}  // namespace tollgate::pii
