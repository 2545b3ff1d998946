#include <algorithm>
#include <iterator>
#include <set>
#include <span>

#include "pii/blobs.h"
#include "pii/detect.h"
#include "pii/identifier_finder.h"
#include "pii/secrets.h"
#include "pii/triggers.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kFewestDigits = 7;  // no number that we know is shorter, but for IPv4
constexpr std::size_t kFewestInDate = 4;  // the year, where the month has a name
constexpr std::uint64_t kWhereEscapesBegin = ~std::uint64_t{0} << (kMostClassified - 11);  // of what unit_start() sees

// Whether what was found since says surely what the whole cluster is.
bool explained(const Cluster& cluster, const Findings& findings, std::size_t since, double sure) {
  return std::any_of(findings.begin() + static_cast<std::ptrdiff_t>(since), findings.end(), [&](const Finding& f) {
    return f.score >= sure && f.start <= cluster.start && f.end >= cluster.end;
  });
}

// Everything that is made of digits, around the digit at `pos`. Returns where to go on.
std::size_t examine_number(std::string_view text, std::size_t pos, std::size_t floor, const ByteClasses& before,
                           const TypeSet& types, Cluster& cluster, Findings& out) {
  const std::size_t since = out.size();
  const std::size_t next = read_cluster(text, pos, floor, before, cluster);
  const std::size_t digits = cluster.digits.size();
  if (cluster.groups.size() >= 4) detect_ipv4(text, cluster, out);
  if (digits >= kFewestInDate) detect_birth_date(text, cluster, out);
  if (digits < kFewestDigits) return next;
  detect_iban(text, cluster, out);
  // An IBAN is certain, and longer than all that is made of its digits alone: nothing of that could win.
  if (types.test(static_cast<std::size_t>(EntityType::iban_code)) && explained(cluster, out, since, 1.0)) return next;
  detect_phones(text, cluster, out);
  if (digits >= 9) detect_ssn(text, cluster, out);
  if (digits >= 12) detect_cards(text, cluster, out);
  return next;
}

}  // namespace

namespace {

constexpr unsigned kNumberTriggers =
    kNumberTrigger | kSplitNumberTrigger | kUnicodeDigitTrigger | kUnicodeDigit3Trigger | kAtTrigger | kPercentTrigger;

// Runs of letters and digits, in order of position.
using Runs = std::vector<Run>;

void find_runs(std::string_view text, Runs& out) {
  RunFinder finder(text);
  for (Run run; finder.next(run);) out.push_back(run);
}

// Which of them a place is in. The places must not go down between calls.
class RunAround {
 public:
  explicit RunAround(const Runs& runs) : next_(runs.data()), last_(runs.data() + runs.size()) {}
  // An empty one where there is none.
  Run at(std::size_t pos) {
    while (next_ != last_ && next_->end <= pos) ++next_;
    return next_ != last_ && next_->start <= pos ? *next_ : Run{};
  }

 private:
  const Run* next_;
  const Run* last_;
};

// Whether what follows the digit is spelled with several bytes and could stand inside a hardware address.
bool joined_oddly(std::string_view text, std::size_t at) {
  if (at >= text.size() || static_cast<unsigned char>(text[at]) < 0x80) return false;
  const char c = unit_at(text, at).c;
  return c == kInvisible || c == '-' || c == ':' || c == '.';
}

// Numbers and addresses.
void scan_values(std::string_view text, const Runs& runs, const IdentifierFinder& identifiers, const TypeSet& types,
                 Findings& out) {
  constexpr double kSure = 0.85;  // then nobody looks for another name of a cluster
  RunAround run(runs);
  TellingWords words(text, identifiers.names());
  Cluster cluster;
  cluster.hints.know(words);
  TriggerFinder finder(text);
  std::size_t floor = 0;     // the end of the last cluster
  std::size_t v6_floor = 0;  // the end of the last run of hex digits and colons
  std::size_t mac_floor = 0;
  for (std::size_t pos = finder.next(0); pos < text.size(); pos = finder.next(pos)) {
    const std::uint8_t bits = trigger_bits(text, pos);
    std::size_t next = pos + 1;
    if (const std::size_t stamp = (bits & kNumberTrigger) != 0 ? timestamp_end(text, pos) : 0; stamp != 0) {
      read_cluster(text, pos, floor, classify_before(text, pos), cluster);
      detect_birth_date(text, cluster, out);
      pos = floor = v6_floor = mac_floor = stamp;
      continue;
    }
    if ((bits & kColonTrigger) != 0 && pos >= v6_floor) v6_floor = detect_ipv6(text, pos, out);
    if ((bits & (kColonTrigger | kHexPairTrigger)) != 0 && pos >= mac_floor && maybe_mac(text, pos))
      mac_floor = detect_mac(text, pos, out);
    if (const std::size_t behind = ordinary_number_end(text, pos); behind != 0) {
      next = floor = std::max(next, behind);
    } else if (const std::size_t beyond = long_run_end(text, pos, run.at(pos)); beyond != 0) {
      next = floor = std::max(next, beyond);
    } else if ((bits & kNumberTriggers) != 0) {
      ByteClasses before_it = classify_before(text, pos);
      // The digit may be inside an escape, such as \u0040.
      const std::size_t start = (before_it.marked & kWhereEscapesBegin) == 0 ? pos : unit_start(text, pos);
      if (start != pos) before_it = classify_before(text, start);
      const Unit unit = unit_at(text, start);
      next = std::max(next, start + unit.length);
      const bool odd = unit.length > 1 || joined_oddly(text, start + unit.length);  // 00%3A1A, \u0030; 00\u201010
      if (odd && pos >= mac_floor) mac_floor = detect_mac(text, start, out);
      if (unit.c == '@') detect_email(text, start, out);
      if (is_digit(unit.c)) {
        const std::size_t before = out.size();
        const std::size_t end = examine_number(text, start, floor, before_it, types, cluster, out);
        if (!explained(cluster, out, before, kSure)) identifiers.detect(text, cluster, floor, types, words, out);
        next = floor = std::max(next, end);
      }
    }
    pos = next;
  }
}

}  // namespace

struct Scanner::Rules {
  SecretDetector secrets;
  IdentifierFinder identifiers;

  void scan_text(std::string_view text, const Runs& runs, const TypeSet& types, Findings& out) const {
    scan_values(text, runs, identifiers, types, out);
    secrets.detect(text, out);
  }

  // What is too long for a word.
  void scan_runs(std::string_view text, const Runs& runs, const TypeSet& types, Findings& out) const {
    for (const Run& run : runs) {
      detect_wallet(text, run.start, run.end, out);
      detect_iban_in_run(text, run.start, run.end, out);
      detect_twilio_key(text, run.start, run.end, out);
      if (const auto blob = decode_blob(text, run)) scan_blob(*blob, types, out);
    }
  }

  // All of it is what the surest finding in it is.
  void scan_blob(const Blob& blob, const TypeSet& types, Findings& out) const {
    constexpr double kEncoded = 0.9;  // of the score: it may be there by chance
    Findings inside;
    Runs runs;
    find_runs(blob.decoded, runs);
    scan_text(blob.decoded, runs, types, inside);
    const auto best = std::ranges::max_element(inside, {}, &Finding::score);
    if (best == inside.end()) return;
    Finding& whole = out.emplace_back(*best);
    whole.start = blob.start;
    whole.end = blob.end;
    whole.score *= kEncoded;
    whole.why.add(Term::encoded);
  }
};

namespace {

// In JSON inside a string of JSON an escape has several backslashes: what replaces a value that begins with one must
// leave none of them, for it would escape something else.
void take_backslashes(std::string_view text, Findings& findings) {
  for (Finding& f : findings)
    while (f.start > 0 && text[f.start] == '\\' && text[f.start - 1] == '\\' &&
           unit_at(text, f.start - 1).c == kInvisible)
      --f.start;
}

}  // namespace

Scanner::Scanner() : rules_(std::make_unique<Rules>()) {}
Scanner::~Scanner() = default;

namespace {

// The room that a scan needs, kept by the thread: the kernel's clearing of fresh pages would be a fifth of the scan of
// a text full of values.
struct Room {
  Runs runs;
  Findings found;
};

// Leaves it empty after a scan, and not larger than most texts need.
class Borrowed {
 public:
  explicit Borrowed(Room& room) : room_(room) {}
  ~Borrowed() {
    clear(room_.runs);
    clear(room_.found);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  Room* operator->() const { return &room_; }

 private:
  template <typename T>
  static void clear(std::vector<T>& items) {
    constexpr std::size_t kMostKept = 32'768;
    if (items.capacity() > kMostKept) items = {};
    items.clear();
  }

  Room& room_;
};

}  // namespace

std::vector<Finding> Scanner::scan(std::string_view text, const TypeSet& types) const {
  thread_local Room kept;
  const Borrowed room(kept);
  find_runs(text, room->runs);
  Findings& out = room->found;
  rules_->scan_text(text, room->runs, types, out);
  rules_->scan_runs(text, room->runs, types, out);
  if (!types.all()) std::erase_if(out, [&](const Finding& f) { return !types.test(static_cast<std::size_t>(f.type)); });
  take_backslashes(text, out);
  resolve_overlaps(out);
  return {out.begin(), out.end()};
}

namespace {

bool starts_earlier(const Finding& a, const Finding& b) { return a.start < b.start; }

// Keeps, in this order, what does not overlap what was kept before.
void keep_of_few(std::span<const Finding> knot, Findings& out) {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const auto& finding : knot) {
    const auto overlaps = [&](const Finding& kept) { return kept.start < finding.end && finding.start < kept.end; };
    if (std::none_of(out.begin() + first, out.end(), overlaps)) out.push_back(finding);
  }
  std::sort(out.begin() + first, out.end(), starts_earlier);
}

// The same where there are so many that each cannot be compared with each.
void keep_of_many(std::span<const Finding> knot, Findings& out) {
  std::set<Finding, decltype(&starts_earlier)> kept(&starts_earlier);
  for (const auto& finding : knot) {
    const auto after = kept.lower_bound(finding);
    if (after != kept.end() && after->start < finding.end) continue;
    if (after != kept.begin() && std::prev(after)->end > finding.start) continue;
    kept.insert(after, finding);
  }
  out.insert(out.end(), kept.begin(), kept.end());
}

// The surer, then the longer, then the earlier.
bool goes_first(const Finding& a, const Finding& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.end - a.start != b.end - b.start) return a.end - a.start > b.end - b.start;
  return a.start < b.start;
}

// Findings that overlap directly or through others: the best first, then whatever has room left.
void resolve_knot(std::span<Finding> knot, Findings& out) {
  constexpr std::size_t kFew = 32;
  std::sort(knot.begin(), knot.end(), goes_first);
  return knot.size() <= kFew ? keep_of_few(knot, out) : keep_of_many(knot, out);
}

// By their start, else as they were found. They come nearly in order: most are only looked at, and of the rest nearly
// all move past a neighbour or two.
void sort_by_start(Findings& findings) {
  constexpr std::ptrdiff_t kNear = 16;
  std::size_t moves = 4 * findings.size();  // more, and the order is another one
  for (auto it = findings.begin(); it != findings.end(); ++it) {
    if (it == findings.begin() || std::prev(it)->start <= it->start) continue;
    auto place = std::prev(it);  // near by: walking there takes fewer steps than halving all that there is
    while (place != findings.begin() && std::prev(place)->start > it->start && it - place <= kNear) --place;
    if (it - place > kNear) place = std::upper_bound(findings.begin(), it, *it, starts_earlier);
    const auto distance = static_cast<std::size_t>(it - place);
    if (distance > moves) return std::sort(findings.begin(), findings.end(), starts_earlier);
    moves -= distance;
    std::rotate(place, it, std::next(it));
  }
}

}  // namespace

void resolve_overlaps(Findings& findings) {
  sort_by_start(findings);
  const auto overlap = [](const Finding& a, const Finding& b) { return b.start < a.end; };
  if (std::adjacent_find(findings.begin(), findings.end(), overlap) == findings.end()) return;
  Findings kept;  // of a knot
  auto to = findings.begin();
  for (auto it = findings.begin(); it != findings.end();) {
    std::size_t end = it->end;
    auto next = it + 1;
    for (; next != findings.end() && next->start < end; ++next) end = std::max(end, next->end);
    if (next - it == 1) {
      *to++ = *it;
    } else if (next - it == 2) {
      *to++ = goes_first(it[1], *it) ? it[1] : *it;
    } else {
      kept.clear();
      resolve_knot(std::span(it, next), kept);
      to = std::copy(kept.begin(), kept.end(), to);
    }
    it = next;
  }
  findings.erase(to, findings.end());
}

}  // namespace tollgate::pii
