#pragma once
// What only this house knows to be personal or secret: patterns, and lists of words, each under a type name of its own.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "pii/pii.h"

namespace tollgate::pii {

// One detector, as configured. It finds what its pattern matches and what its list of words holds.
struct CustomDetectorOptions {
  std::string name;                   // the type that policies, findings and metrics show
  std::string pattern;                // RE2's syntax; a first group, where there is one, is the finding; empty: none
  std::string checksum;               // of the pattern's digits and letters: one of checksum_names(); empty: none
  std::vector<std::string> words;     // words and phrases, in any case, with or without accents
  std::vector<std::string> keywords;  // one of them has to stand near; empty: none has to
  double score = 0.9;
};

inline constexpr std::size_t kMostCustomDetectors = 64;
std::vector<std::string_view> checksum_names();

// All detectors of a configuration. Immutable; thread-safe. A detector is known by its number, from 1
// (Finding::custom).
class CustomDetectors {
 public:
  // Error invalid_request, for people, with the detector as `param`: a pattern that RE2 refuses, that is too large or
  // matches nothing at all.
  static Result<std::shared_ptr<const CustomDetectors>> make(std::vector<CustomDetectorOptions> options);
  ~CustomDetectors();
  CustomDetectors(const CustomDetectors&) = delete;
  CustomDetectors& operator=(const CustomDetectors&) = delete;

  // Another one for every object of this process: what was found with one says nothing about another.
  std::uint64_t serial() const { return serial_; }
  const std::string& name(std::uint8_t number) const;
  std::uint8_t number_of(std::string_view name) const;  // 0: there is none
  // Appends what the detector finds. Linear in the text.
  void detect(std::uint8_t number, std::string_view text, std::vector<Finding>& out) const;

 private:
  struct Detector;
  CustomDetectors();
  std::uint64_t serial_;
  std::vector<Detector> detectors_;
};

}  // namespace tollgate::pii
