#include "pii/context.h"

#include <algorithm>
#include <array>

#include "pii/unit.h"

namespace tollgate::pii {
namespace {

struct Word {
  std::string_view text;
  Hint hint;
};

// Lower case, sorted by bytes.
constexpr auto kWords = std::to_array<Word>({
    {"account", Hint::other},
    {"address", Hint::ip},
    {"amex", Hint::card},
    {"anruf", Hint::phone},
    {"anrufen", Hint::phone},
    {"answering", Hint::contact},
    {"appelez", Hint::phone},
    {"article", Hint::other},
    {"barcode", Hint::other},
    {"batch", Hint::other},
    {"birth", Hint::birth},
    {"birthdate", Hint::birth},
    {"birthday", Hint::birth},
    {"born", Hint::birth},
    {"build", Hint::other},
    {"call", Hint::phone},
    {"called", Hint::phone},
    {"calling", Hint::phone},
    {"calls", Hint::phone},
    {"card", Hint::card},
    {"cards", Hint::card},
    {"carta", Hint::card},
    {"carte", Hint::card},
    {"cc", Hint::card},
    {"cell", Hint::phone},
    {"cellphone", Hint::phone},
    {"cellulare", Hint::phone},
    {"celular", Hint::phone},
    {"chapter", Hint::other},
    {"chiamare", Hint::phone},
    {"commit", Hint::other},
    {"contact", Hint::contact},
    {"contacto", Hint::contact},
    {"credit", Hint::card},
    {"creditcard", Hint::card},
    {"dateofbirth", Hint::birth},
    {"debit", Hint::card},
    {"delivery", Hint::other},
    {"dial", Hint::phone},
    {"diners", Hint::card},
    {"discover", Hint::card},
    {"dob", Hint::birth},
    {"document", Hint::other},
    {"ean", Hint::other},
    {"fax", Hint::phone},
    {"festnetz", Hint::phone},
    {"firmware", Hint::other},
    {"fon", Hint::phone},
    {"geb", Hint::birth},
    {"geboortedatum", Hint::birth},
    {"geboren", Hint::birth},
    {"geburtsdatum", Hint::birth},
    {"geburtstag", Hint::birth},
    {"gsm", Hint::phone},
    {"gtin", Hint::other},
    {"handy", Hint::phone},
    {"handynummer", Hint::phone},
    {"hash", Hint::other},
    {"host", Hint::ip},
    {"hotline", Hint::phone},
    {"id", Hint::other},
    {"idoc", Hint::other},
    {"ids", Hint::other},
    {"imei", Hint::other},
    {"invoice", Hint::other},
    {"ip", Hint::ip},
    {"ipaddr", Hint::ip},
    {"ipv4", Hint::ip},
    {"ipv6", Hint::ip},
    {"isbn", Hint::other},
    {"issn", Hint::other},
    {"issue", Hint::other},
    {"jcb", Hint::card},
    {"karte", Hint::card},
    {"kreditkarte", Hint::card},
    {"landline", Hint::phone},
    {"ligar", Hint::phone},
    {"llamar", Hint::phone},
    {"maestro", Hint::card},
    {"mastercard", Hint::card},
    {"message", Hint::contact},
    {"messages", Hint::contact},
    {"mobil", Hint::phone},
    {"mobile", Hint::phone},
    {"mobilnummer", Hint::phone},
    {"movil", Hint::phone},
    {"msisdn", Hint::phone},
    {"móvil", Hint::phone},
    {"nacida", Hint::birth},
    {"nacido", Hint::birth},
    {"nacimiento", Hint::birth},
    {"naissance", Hint::birth},
    {"nascida", Hint::birth},
    {"nascido", Hint::birth},
    {"nascimento", Hint::birth},
    {"nascita", Hint::birth},
    {"numero", Hint::contact},
    {"nummer", Hint::contact},
    {"né", Hint::birth},
    {"née", Hint::birth},
    {"order", Hint::other},
    {"pager", Hint::phone},
    {"pan", Hint::card},
    {"phone", Hint::phone},
    {"phonenumber", Hint::phone},
    {"phones", Hint::phone},
    {"pin", Hint::other},
    {"portable", Hint::phone},
    {"price", Hint::other},
    {"rang", Hint::phone},
    {"registered", Hint::contact},
    {"release", Hint::other},
    {"ring", Hint::phone},
    {"rufnummer", Hint::phone},
    {"section", Hint::other},
    {"serial", Hint::other},
    {"server", Hint::ip},
    {"sku", Hint::other},
    {"sms", Hint::phone},
    {"social", Hint::ssn},
    {"ssid", Hint::ssn},
    {"ssn", Hint::ssn},
    {"ssns", Hint::ssn},
    {"tarjeta", Hint::card},
    {"tel", Hint::phone},
    {"telefon", Hint::phone},
    {"telefone", Hint::phone},
    {"telefonnummer", Hint::phone},
    {"telefono", Hint::phone},
    {"telefoon", Hint::phone},
    {"telephone", Hint::phone},
    {"teléfono", Hint::phone},
    {"text", Hint::contact},
    {"ticket", Hint::other},
    {"timestamp", Hint::other},
    {"total", Hint::other},
    {"trace", Hint::other},
    {"tracking", Hint::other},
    {"ts", Hint::other},
    {"tél", Hint::phone},
    {"téléphone", Hint::phone},
    {"upc", Hint::other},
    {"ur", Hint::birth},
    {"urodzenia", Hint::birth},
    {"urodzona", Hint::birth},
    {"urodzony", Hint::birth},
    {"uuid", Hint::other},
    {"ver", Hint::other},
    {"version", Hint::other},
    {"visa", Hint::card},
    {"volume", Hint::other},
    {"whatsapp", Hint::phone},
    {"звоните", Hint::phone},
    {"карта", Hint::card},
    {"карту", Hint::card},
    {"карты", Hint::card},
    {"тел", Hint::phone},
    {"телефон", Hint::phone},
});
static_assert(std::ranges::is_sorted(kWords, {}, &Word::text));

// Scripts without spaces between words: looked for anywhere in the window.
constexpr auto kUnspaced = std::to_array<Word>({
    {"电话", Hint::phone},
    {"電話", Hint::phone},
    {"手机", Hint::phone},
    {"手機", Hint::phone},
    {"携帯", Hint::phone},
    {"전화", Hint::phone},
    {"휴대폰", Hint::phone},
    {"信用卡", Hint::card},
    {"卡号", Hint::card},
    {"カード", Hint::card},
    {"카드", Hint::card},
});

constexpr std::size_t kBefore = 72;  // bytes
constexpr std::size_t kAfter = 24;
constexpr int kWordsBefore = 8;

constexpr auto kWordBytes = [] {
  std::array<bool, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i >= 0x80 || is_alpha(static_cast<char>(i));
  return out;
}();
bool is_word_byte(char c) { return kWordBytes[static_cast<unsigned char>(c)]; }

// Where the words that start with a byte begin in kWords: one step of a trie is enough to make look-ups cheap.
constexpr auto kFirst = [] {
  std::array<std::uint8_t, 257> out{};
  for (const auto& word : kWords) ++out[static_cast<unsigned char>(word.text[0]) + 1U];
  for (std::size_t i = 1; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(out[i] + out[i - 1]);
  return out;
}();
static_assert(kWords.size() < 256);

Hint hint_of(std::string_view word) {
  if (word.empty()) return Hint::none;
  const auto first = static_cast<unsigned char>(to_lower(word[0]));
  for (std::size_t i = kFirst[first]; i < kFirst[first + 1U]; ++i) {
    const auto& entry = kWords[i];
    if (entry.text.size() == word.size() &&
        std::equal(word.begin(), word.end(), entry.text.begin(), [](char a, char b) { return to_lower(a) == b; }))
      return entry.hint;
  }
  return Hint::none;
}

// The last word in `window`, cut off it. A capital after a small letter starts a word (phoneNumber).
std::string_view pop_word(std::string_view& window) {
  std::size_t end = window.size();
  while (end > 0 && !is_word_byte(window[end - 1])) --end;
  std::size_t start = end;
  while (start > 0 && is_word_byte(window[start - 1])) {
    --start;
    if (start > 0 && is_upper(window[start]) && is_lower(window[start - 1])) break;
  }
  const auto word = window.substr(start, end - start);
  window = window.substr(0, start);
  return word;
}

// GEB5LT1AQ, 2S281UR: a piece of an identifier, not a word.
bool inside_identifier(std::string_view word, char before, char after) {
  constexpr std::size_t kLongest = 3;
  return word.size() <= kLongest && (is_digit(before) || is_digit(after)) && std::ranges::all_of(word, is_upper);
}

bool is_ascii(std::string_view text) {
  unsigned all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// `text` goes on after the window.
Hint hint_before(std::string_view text, std::size_t from, std::size_t start) {
  auto window = text.substr(from, start - from);
  const auto whole = window;
  for (int i = 0; i < kWordsBefore && !window.empty(); ++i) {
    const auto word = pop_word(window);
    if (word.empty()) break;
    const std::size_t behind = from + window.size() + word.size();
    if (inside_identifier(word, window.empty() ? ' ' : window.back(), behind < text.size() ? text[behind] : ' '))
      continue;
    const Hint hint = hint_of(word);
    if (hint != Hint::none) return hint;
  }
  if (is_ascii(whole)) return Hint::none;
  const auto* it = std::find_if(kUnspaced.begin(), kUnspaced.end(),
                                [&](const Word& w) { return whole.find(w.text) != std::string_view::npos; });
  return it == kUnspaced.end() ? Hint::none : it->hint;
}

Hint hint_after(std::string_view window) {
  std::size_t start = 0;
  while (start < window.size() && (window[start] == ' ' || window[start] == '(')) ++start;
  std::size_t end = start;
  while (end < window.size() && is_word_byte(window[end])) ++end;
  const auto word = window.substr(start, end - start);
  if (word == "office" || word == "home" || word == "work") return Hint::contact;  // a list of someone's numbers
  const Hint hint = hint_of(word);
  return hint == Hint::phone || hint == Hint::birth ? hint : Hint::none;
}

Hint hint_left_of(std::string_view text, std::size_t start) {
  // In "id_536-22-8145" the word is a part of the spelling, not of the sentence.
  if (start > 0 && text[start - 1] == '_')
    while (start > 0 && (is_word_byte(text[start - 1]) || text[start - 1] == '_')) --start;
  return hint_before(text, start > kBefore ? start - kBefore : 0, start);
}

}  // namespace

Hint hint_around(std::string_view text, std::size_t start, std::size_t end) { return Hints().around(text, start, end); }

Hint Hints::around(std::string_view text, std::size_t start, std::size_t end) {
  const auto* const last = known_.begin() + size_;
  const auto* known = std::find_if(known_.cbegin(), last, [&](const Known& k) { return k.start == start; });
  if (known == last) {
    Known& fresh = known_[next_];
    fresh = {start, hint_left_of(text, start)};
    next_ = (next_ + 1) % known_.size();
    size_ = std::min(size_ + 1, known_.size());
    known = &fresh;
  }
  return known->before != Hint::none ? known->before : hint_after(text.substr(end, kAfter));
}

}  // namespace tollgate::pii
