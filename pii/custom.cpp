#include "pii/custom.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "pii/arithmetic.h"
#include "pii/checks.h"
#include "pii/word_list.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kLongestPattern = 1024;
constexpr int kLargestProgram = 5'000;     // of RE2, instructions
constexpr std::size_t kWindowBefore = 60;  // where a keyword may stand, bytes
constexpr std::size_t kWindowAfter = 30;

bool only_digits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_digit); }

// Weights 1, 2, 3, ... from the right; a last X is 10 (as ISBN-10, ISO 2108).
bool mod_11(std::string_view s) {
  const bool ends_in_x = s.ends_with('X');
  if (!only_digits(ends_in_x ? s.substr(0, s.size() - 1) : s)) return false;
  int sum = ends_in_x ? 10 : digit_value(s.back());
  for (std::size_t i = 1; i < s.size(); ++i) sum += (digit_value(s[s.size() - 1 - i]) * static_cast<int>(i + 1)) % 11;
  return sum % 11 == 0;
}

bool leaves_one(std::string_view s) { return mod_97(s) == 1; }
bool luhn(std::string_view s) { return only_digits(s) && luhn_valid(s); }

using Check = bool (*)(std::string_view);
constexpr std::array<std::pair<std::string_view, Check>, 3> kChecks = {
    {{"luhn", luhn}, {"mod11", mod_11}, {"mod97", leaves_one}}};

// The letters and digits of a value, in capitals.
std::string characters_of(std::string_view value) {
  std::string out;
  for (std::size_t pos = 0; pos < value.size();) {
    const Unit unit = unit_at(value, pos);
    if (is_alnum(unit.c)) out.push_back(to_upper(unit.c));
    pos += unit.length;
  }
  return out;
}

Error refused(const std::string& detector, std::string why) {
  return {.kind = ErrorKind::invalid_request, .message = std::move(why), .param = detector};
}

Result<std::unique_ptr<const RE2>> compile(const CustomDetectorOptions& options) {
  if (options.pattern.size() > kLongestPattern)
    return refused(options.name, "the pattern is longer than " + std::to_string(kLongestPattern) + " bytes");
  RE2::Options how;
  how.set_log_errors(false);
  auto pattern = std::make_unique<const RE2>(options.pattern, how);
  if (!pattern->ok()) return refused(options.name, "the pattern cannot be read: " + pattern->error());
  if (pattern->ProgramSize() > kLargestProgram)
    return refused(options.name, "the pattern is too large: repeat less, or use a list of words");
  if (RE2::PartialMatch("", *pattern)) return refused(options.name, "the pattern matches the empty text");
  return pattern;
}

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> made{0};
  return ++made;
}

}  // namespace

struct CustomDetectors::Detector {
  std::string name;
  std::unique_ptr<const RE2> pattern;
  Check check = nullptr;
  WordList words;
  WordList keywords;
  double score = 0;

  bool announced(std::string_view text, std::size_t start, std::size_t end) const {
    if (keywords.empty()) return true;
    const std::size_t from = start - std::min(start, kWindowBefore);
    std::vector<WordList::Match> near;
    keywords.find(text.substr(from, start - from), near);
    if (near.empty()) keywords.find(text.substr(end, kWindowAfter), near);
    return !near.empty();
  }

  void report(std::string_view text, std::size_t start, std::size_t end, std::uint8_t number,
              std::vector<Finding>& out) const {
    if (!announced(text, start, end)) return;
    Reason why;
    why.add(Term::check, check != nullptr);
    why.add(Term::named, !keywords.empty());
    out.push_back({EntityType::custom, start, end, score, number, why});
  }

  void match_pattern(std::string_view text, std::uint8_t number, std::vector<Finding>& out) const {
    std::array<re2::StringPiece, 2> groups;
    const int count = std::min(pattern->NumberOfCapturingGroups(), 1) + 1;
    const re2::StringPiece all(text.data(), text.size());
    for (std::size_t at = 0; at < text.size();) {
      if (!pattern->Match(all, at, text.size(), RE2::UNANCHORED, groups.data(), count)) return;
      const re2::StringPiece& value = groups[static_cast<std::size_t>(count - 1)];
      const auto end_of = [&](const re2::StringPiece& s) { return static_cast<std::size_t>(s.end() - all.data()); };
      if (!value.empty() && (check == nullptr || check(characters_of({value.data(), value.size()}))))
        report(text, end_of(value) - value.size(), end_of(value), number, out);
      at = std::max(end_of(groups[0]), at + 1);
    }
  }
};

std::vector<std::string_view> checksum_names() {
  std::vector<std::string_view> out;
  for (const auto& [name, check] : kChecks) out.push_back(name);
  return out;
}

CustomDetectors::CustomDetectors() : serial_(next_serial()) {}
CustomDetectors::~CustomDetectors() = default;

Result<std::shared_ptr<const CustomDetectors>> CustomDetectors::make(std::vector<CustomDetectorOptions> options) {
  std::shared_ptr<CustomDetectors> out(new CustomDetectors());
  for (auto& one : options) {
    if (out->detectors_.size() == kMostCustomDetectors)
      return refused(one.name, "there are more than " + std::to_string(kMostCustomDetectors) + " detectors");
    Detector detector;
    if (!one.pattern.empty()) {
      TG_TRY(detector.pattern, compile(one));
    }
    const auto* check =
        std::ranges::find(kChecks, std::string_view(one.checksum), &decltype(kChecks)::value_type::first);
    if (check != kChecks.end()) detector.check = check->second;
    detector.words = WordList(one.words);
    detector.keywords = WordList(one.keywords);
    detector.score = one.score;
    detector.name = std::move(one.name);
    out->detectors_.push_back(std::move(detector));
  }
  return std::shared_ptr<const CustomDetectors>(std::move(out));
}

const std::string& CustomDetectors::name(std::uint8_t number) const { return detectors_.at(number - 1U).name; }

std::uint8_t CustomDetectors::number_of(std::string_view name) const {
  for (std::size_t i = 0; i < detectors_.size(); ++i)
    if (detectors_[i].name == name) return static_cast<std::uint8_t>(i + 1);
  return 0;
}

void CustomDetectors::detect(std::uint8_t number, std::string_view text, std::vector<Finding>& out) const {
  const Detector& detector = detectors_.at(number - 1U);
  if (detector.pattern != nullptr) detector.match_pattern(text, number, out);
  std::vector<WordList::Match> matches;
  detector.words.find(text, matches);
  for (const auto& [start, end] : matches) detector.report(text, start, end, number, out);
}

}  // namespace tollgate::pii
