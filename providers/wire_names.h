#pragma once
// Names and ids of the caller in the spelling a provider accepts, and back. Internal to providers/.
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tollgate::providers {

// ASCII letters and digits are always allowed.
struct NameRule {
  std::string_view also = "_-";
  std::size_t max = 64;
  bool letter_first = false;  // or an underscore
};

// Names that fit stay; in others each bad character becomes '_', and a number makes them unique. One per request: the
// same name gives the same answer.
class WireNames {
 public:
  explicit WireNames(NameRule rule) : rule_(rule) {}
  const std::string& wire(const std::string& name);
  // By wire name: the caller's, where the two differ.
  std::map<std::string, std::string> renamed() const;

 private:
  bool fits(std::string_view name) const;
  std::string fitted(std::string_view name) const;

  NameRule rule_;
  std::map<std::string, std::string> known_;
  std::set<std::string> taken_;
};

// Ids of calls where only nine letters and digits are taken: those that fit stay, others are digested.
std::string nine_characters(const std::string& id);

}  // namespace tollgate::providers
