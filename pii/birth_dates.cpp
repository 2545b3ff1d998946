// Dates of birth: a date in one of the usual orders, close behind a word that says so. Without one it is any date.
#include <algorithm>
#include <array>
#include <optional>

#include "pii/arithmetic.h"
#include "pii/context.h"
#include "pii/detect.h"

namespace tollgate::pii {
namespace {

struct Month {
  std::string_view name;
  int number;
};

// English, German, French, Spanish, Italian, Portuguese, Dutch, Polish (in the genitive, as dates have it).
constexpr auto kMonths = std::to_array<Month>({
    {"january", 1},   {"januar", 1},    {"jänner", 1},    {"janvier", 1},    {"enero", 1},         {"gennaio", 1},
    {"janeiro", 1},   {"januari", 1},   {"stycznia", 1},  {"jan", 1},        {"janv", 1},          {"february", 2},
    {"februar", 2},   {"février", 2},   {"fevrier", 2},   {"febrero", 2},    {"febbraio", 2},      {"fevereiro", 2},
    {"februari", 2},  {"lutego", 2},    {"feb", 2},       {"févr", 2},       {"march", 3},         {"märz", 3},
    {"maerz", 3},     {"mars", 3},      {"marzo", 3},     {"março", 3},      {"maart", 3},         {"marca", 3},
    {"mar", 3},       {"mrz", 3},       {"april", 4},     {"avril", 4},      {"abril", 4},         {"aprile", 4},
    {"kwietnia", 4},  {"apr", 4},       {"may", 5},       {"mai", 5},        {"mayo", 5},          {"maggio", 5},
    {"maio", 5},      {"mei", 5},       {"maja", 5},      {"june", 6},       {"juni", 6},          {"juin", 6},
    {"junio", 6},     {"giugno", 6},    {"junho", 6},     {"czerwca", 6},    {"jun", 6},           {"july", 7},
    {"juli", 7},      {"juillet", 7},   {"julio", 7},     {"luglio", 7},     {"julho", 7},         {"lipca", 7},
    {"jul", 7},       {"august", 8},    {"août", 8},      {"aout", 8},       {"agosto", 8},        {"augustus", 8},
    {"sierpnia", 8},  {"aug", 8},       {"september", 9}, {"septembre", 9},  {"septiembre", 9},    {"settembre", 9},
    {"setembro", 9},  {"września", 9},  {"sep", 9},       {"sept", 9},       {"october", 10},      {"oktober", 10},
    {"octobre", 10},  {"octubre", 10},  {"ottobre", 10},  {"outubro", 10},   {"października", 10}, {"oct", 10},
    {"okt", 10},      {"november", 11}, {"novembre", 11}, {"noviembre", 11}, {"novembro", 11},     {"listopada", 11},
    {"nov", 11},      {"december", 12}, {"dezember", 12}, {"décembre", 12},  {"diciembre", 12},    {"dicembre", 12},
    {"dezembro", 12}, {"grudnia", 12},  {"dec", 12},      {"dez", 12},       {"déc", 12},
});

int number(std::string_view digits) { return static_cast<int>(number_at(digits, 0, digits.size())); }

bool is_year(std::string_view digits) {
  if (digits.size() == 2) return true;
  return digits.size() == 4 && number(digits) >= 1900 && number(digits) <= 2030;
}

// In some year: 2000 has a 29th of February.
bool is_day(int day, int month) { return date_exists(2000, month, day); }

bool is_day_month(std::string_view day, std::string_view month) {
  return day.size() <= 2 && month.size() <= 2 && is_day(number(day), number(month));
}

// Year first, day first, or month first.
bool is_date(std::string_view a, std::string_view b, std::string_view c) {
  if (a.size() == 4 && is_year(a)) return is_day_month(c, b);
  return is_year(c) && (is_day_month(a, b) || is_day_month(b, a));
}

bool is_compact_date(std::string_view digits) {
  if (digits.size() != 8) return false;
  const auto part = [&](std::size_t at, std::size_t size) { return digits.substr(at, size); };
  return is_date(part(0, 4), part(4, 2), part(6, 2)) || is_date(part(0, 2), part(2, 2), part(4, 4));
}

bool is_called_birth(std::string_view text, const Cluster& cluster, std::size_t start, std::size_t end) {
  if (cluster.hints.around(text, start, end) == Hint::birth) return true;
  // In Italian the word alone is also the name of an alliance, and of things made: nato il, nata a.
  constexpr std::size_t kNear = 40;
  const auto before = text.substr(start > kNear ? start - kNear : 0, std::min(start, kNear));
  if (before.find("nat") == std::string_view::npos) return false;
  return std::ranges::any_of(std::array{"nato il ", "nata il ", "nato a ", "nata a "},
                             [&](std::string_view w) { return before.find(w) != std::string_view::npos; });
}

void add(std::string_view text, const Cluster& cluster, std::size_t start, std::size_t end, Findings& out) {
  if (is_called_birth(text, cluster, start, end))
    out.push_back({EntityType::date_of_birth, start, end, 0.9, 0, {Term::named}});
}

struct Word {
  std::string_view text;
  std::size_t start = 0;
};

// The word before `end` with a space or sign between; empty where there is none.
Word word_before(std::string_view text, std::size_t end) {
  constexpr std::size_t kMaxBetween = 3;
  constexpr std::size_t kLongest = 16;
  const std::size_t limit = end;
  while (end > 0 && limit - end < kMaxBetween &&
         std::string_view(" .,-/").find(text[end - 1]) != std::string_view::npos)
    --end;
  if (end == limit) return {{}, end};
  std::size_t start = end;
  while (start > 0 && end - start < kLongest && in_word(text[start - 1])) --start;
  return {text.substr(start, end - start), start};
}

// The word before `end` that is no preposition: 12 de marzo de 1985, 12th of March.
Word date_word_before(std::string_view text, std::size_t end) {
  const Word word = word_before(text, end);
  static constexpr auto kBetween = std::to_array<std::string_view>({"de", "del", "of", "di", "do"});
  return std::ranges::find(kBetween, word.text) == kBetween.end() ? word : word_before(text, word.start);
}

int month_of(std::string_view word) {
  const auto* it = std::ranges::find_if(kMonths, [&](const Month& month) {
    return month.name.size() == word.size() &&
           std::ranges::equal(word, month.name, [](char a, char b) { return to_lower(a) == b; });
  });
  return it == kMonths.end() ? 0 : it->number;
}

// 12, 1st, 2nd, 3rd, 4th, 1er; 0 where it is no day.
int day_of(std::string_view word) {
  const std::size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  const auto rest = word.substr(digits);
  const bool ordinal = rest.empty() || rest == "st" || rest == "nd" || rest == "rd" || rest == "th" || rest == "er";
  return digits >= 1 && digits <= 2 && ordinal ? number(word.substr(0, digits)) : 0;
}

// Where the date begins whose year is at `year`: a day and the name of a month, in either order.
std::optional<std::size_t> named_month_start(std::string_view text, std::size_t year) {
  const Word near = date_word_before(text, year);
  if (near.text.empty()) return std::nullopt;
  const Word far = date_word_before(text, near.start);
  const int before_year = day_of(near.text);
  const int first = day_of(far.text);
  const bool month_first = before_year != 0 && is_day(before_year, month_of(far.text));
  if (month_first || (first != 0 && is_day(first, month_of(near.text)))) return far.start;
  return std::nullopt;
}

// The same between three groups: one sign or two of the usual.
bool joins_date(const Cluster& cluster, std::size_t first) {
  const char own = cluster.groups[first].separator;
  if (own != '\0') return own == cluster.groups[first + 1].separator && is_one_of(own, "./- ");
  const auto gap = cluster.gap(first);
  return (gap == ". " || gap == " / ") && gap == cluster.gap(first + 1);
}

}  // namespace

void detect_birth_date(std::string_view text, const Cluster& cluster, Findings& out) {
  const auto& groups = cluster.groups;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto digits = cluster.digits_of(i, i);
    if (is_compact_date(digits)) add(text, cluster, cluster.start_of(i), cluster.end_of(i), out);
    if (digits.size() == 4 && is_year(digits)) {
      if (const auto start = named_month_start(text, cluster.start_of(i)))
        add(text, cluster, *start, cluster.end_of(i), out);
    }
    if (i + 2 >= groups.size() || groups[i + 1].length > 2) continue;
    const std::size_t third = groups[i + 2].length;
    if (digits.size() != 4 && third != 4 && third != 2) continue;  // no year
    if (!joins_date(cluster, i)) continue;
    if (!is_date(digits, cluster.digits_of(i + 1, i + 1), cluster.digits_of(i + 2, i + 2))) continue;
    add(text, cluster, cluster.start_of(i), cluster.end_of(i + 2), out);
  }
}

}  // namespace tollgate::pii
