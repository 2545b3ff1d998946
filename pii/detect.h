#pragma once
// The detectors: each looks at the neighbourhood of one trigger and appends what it finds. They cost a bounded amount
// of work per call and may overlap; the scanner settles that.
#include <array>
#include <string_view>
#include <vector>

#include "pii/byte_classes.h"
#include "pii/byte_patterns.h"
#include "pii/context.h"
#include "pii/pii.h"
#include "pii/unit.h"

namespace tollgate::pii {

using Findings = std::vector<Finding>;

// --- numbers ---------------------------------------------------------------------------------------------------------

// Digits that stand together, in folded form.
struct Group {
  std::size_t at;  // in Cluster::chars
  std::size_t length;
  std::size_t digits_before;  // in the groups before it
  char separator;             // before the next group, where that is one character; else '\0'
};

// No more than a cluster has room for, where they are: a vector's checks took as long as reading the digits.
class Groups {
 public:
  static constexpr std::size_t kMost = 97;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Group& operator[](std::size_t i) const { return items_.data()[i]; }
  const Group& back() const { return items_.data()[size_ - 1]; }
  const Group* begin() const { return items_.data(); }
  const Group* end() const { return items_.data() + size_; }
  void clear() { size_ = 0; }
  // `chars`: what it lies in. REQUIRES: size() < kMost.
  void add(const char* chars, std::size_t at, std::size_t length) {
    Group& group = items_.data()[size_];
    group = {at, length, 0, '\0'};
    if (size_++ == 0) return;
    Group& last = (&group)[-1];
    const std::size_t behind = last.at + last.length;
    if (at - behind == 1) last.separator = chars[behind];
    group.digits_before = last.digits_before + last.length;
  }

 private:
  std::array<Group, kMost> items_;
  std::size_t size_ = 0;
};

// Groups of digits with at most a few separators between them. Holds buffers: reuse one per scan.
struct Cluster {
  std::string_view chars;  // folded: starts with the first digit. The text itself where every byte is a character.
  Folded folded;           // ... and where that is not so, what `chars` looks at
  Groups groups;
  std::string_view digits;  // of all groups: a part of `chars` where there is one group
  std::string joined;       // ... and where there are more, what `digits` looks at
  std::size_t start = 0;    // bytes of the original
  std::size_t end = 0;
  ByteClasses before;   // of the 64 bytes before it: bit 63 is the byte right before
  mutable Hints hints;  // of what begins in it

  void clear();
  bool plain() const { return folded.places.empty(); }
  void join_digits();  // when all groups are known
  // What stands between group i and group i+1.
  std::string_view gap(std::size_t i) const {
    const std::size_t from = groups[i].at + groups[i].length;
    return {chars.data() + from, groups[i + 1].at - from};
  }
  // The digits of groups [first, last].
  std::string_view digits_of(std::size_t first, std::size_t last) const {
    const std::size_t from = groups[first].digits_before;
    return {digits.data() + from, groups[last].digits_before + groups[last].length - from};
  }
  std::size_t start_of_char(std::size_t i) const { return plain() ? start + i : folded.places[i].start; }
  std::size_t start_of(std::size_t first) const { return start_of_char(groups[first].at); }
  std::size_t end_of(std::size_t last) const {
    const std::size_t behind = groups[last].at + groups[last].length;
    return plain() ? start + behind : folded.places[behind - 1].end;
  }
};

// Reads the cluster around `pos` (the start of a digit unit), not reaching below `floor`. `before`: of what stands
// before `pos`. Returns where the next one may begin: the end, or earlier where the cluster was too long to hold.
std::size_t read_cluster(std::string_view text, std::size_t pos, std::size_t floor, const ByteClasses& before,
                         Cluster& out);

// The end of an ordinary number: few digits, no year, nothing beside that could join it to others; 0 = look closer.
std::size_t ordinary_number_end(std::string_view text, std::size_t pos);

// The end of the date and time that begins at `pos`: 2026-03-01T12:00:05.123. Nothing else looks like that, so it is at
// most a date of birth. 0 = it is none.
std::size_t timestamp_end(std::string_view text, std::size_t pos);

// Where to go on when the digits at `pos` lie inside a run of letters and digits that is too long for any number or
// identifier, such as a hash or base64: its last digits, or its end; 0 = look closer. `run`: the one around `pos`.
std::size_t long_run_end(std::string_view text, std::size_t pos, const Run& run);

void detect_cards(std::string_view text, const Cluster& cluster, Findings& out);
void detect_ssn(std::string_view text, const Cluster& cluster, Findings& out);
void detect_ipv4(std::string_view text, const Cluster& cluster, Findings& out);
void detect_phones(std::string_view text, const Cluster& cluster, Findings& out);
// An IBAN whose digits are in, or right before, the cluster.
void detect_iban(std::string_view text, const Cluster& cluster, Findings& out);
// One whose account is letters for the most part, so that no cluster of it is long: a run of letters and digits.
// REQUIRES: four bytes or more.
void detect_iban_in_run(std::string_view text, std::size_t start, std::size_t end, Findings& out);

// --- the rest --------------------------------------------------------------------------------------------------------

// `at` is the start of a unit that stands for '@'.
void detect_email(std::string_view text, std::size_t at, Findings& out);
// `pos` is a colon or a hex digit before one. Returns where to go on.
std::size_t detect_ipv6(std::string_view text, std::size_t pos, Findings& out);

// Whether an address could be where a hex digit stands at `pos`, then a colon, dash or dot, then a hex digit.
bool maybe_mac(std::string_view text, std::size_t pos);
// Six pairs of hex digits around `pos`. Returns where to go on.
std::size_t detect_mac(std::string_view text, std::size_t pos, Findings& out);

// A date that is called a date of birth. The cluster holds its year.
void detect_birth_date(std::string_view text, const Cluster& cluster, Findings& out);

// Wallets and keys of cryptocurrencies, by their check digits: a run of letters and digits.
void detect_wallet(std::string_view text, std::size_t start, std::size_t end, Findings& out);

// Settles overlaps: the higher score wins, then the longer, then the earlier. Leaves them in order of position.
void resolve_overlaps(Findings& findings);

}  // namespace tollgate::pii
