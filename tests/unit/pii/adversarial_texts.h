#pragma once
// Texts that make detectors look far, again and again.
#include <array>
#include <random>
#include <string>
#include <string_view>

namespace tollgate::pii {

// Each of them repeated is one text.
inline constexpr auto kRepeated = std::to_array<std::string_view>({"-----BEGIN PRIVATE KEY-----\n",
                                                                   "-----BEGIN ",
                                                                   "-----END ",
                                                                   "eyJ",
                                                                   "eyJaaaaaaaa.",
                                                                   "sk-",
                                                                   "sk-a1-",
                                                                   "-sk-",
                                                                   "://",
                                                                   "a://b:c@",
                                                                   "a://a:",
                                                                   "password=",
                                                                   "password",
                                                                   "password=\"",
                                                                   "token: '",
                                                                   "api_key is ",
                                                                   "Authorization: Basic ",
                                                                   "sig=",
                                                                   "AKIA",
                                                                   "sig=abcdefghijklmnop1234&",
                                                                   "ab:",
                                                                   "00:1A:",
                                                                   "00-1A-",
                                                                   "1 ",
                                                                   "1.",
                                                                   "1:",
                                                                   "12.03.1985 ",
                                                                   "born 12.03.1985 ",
                                                                   "@",
                                                                   "a@",
                                                                   "a.b@c.d",
                                                                   "%41",
                                                                   "\\u0041",
                                                                   "&#65;",
                                                                   "<b>",
                                                                   "**",
                                                                   "*",
                                                                   "</b",
                                                                   "\\",
                                                                   "abcdefghijklmnopqrst",
                                                                   "QUJDREVGR0hJSktMTU5P+",
                                                                   "34313131313131313131 ",
                                                                   "٤",
                                                                   "\u200B",
                                                                   "+1 ",
                                                                   "0x",
                                                                   "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN ",
                                                                   "hooks.slack.com/services/",
                                                                   ":AA1",
                                                                   ".atlasv1.",
                                                                   "8Q~aaaaaaaa",
                                                                   "AccountKey=a"});

// Each of them is one text: random, so that nothing known of one place helps at the next.
struct Alphabet {
  const char* name;
  std::array<std::string_view, 12> pieces;  // up to the first empty one
};
inline constexpr auto kRandom = std::to_array<Alphabet>({
    {"digits", {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
    {"digits_and_separators", {"4", "17", "555", "0132", "00", " ", "-", ".", "/", "(", ") ", "+"}},
    {"hex_and_colons", {"a", "7f", "00", "1", ":", "::", "-", ".", "9e", "%3A"}},
    {"at_signs", {"@", "a", "b.", "c@", ".d", "_", "@@", "e-f"}},
    {"nested_escapes", {"\\", "\\\\", "\\u0031", "%25", "%32", "&#52;", "\\u005cu0034", "<b>", "**", "4"}},
    {"other_scripts", {"\u0661", "\u0967", "\uFF14", "\u200B", "\u00A0", "4", "\u00E9", "\u4E2D", " "}},
    {"base64", {"aGVs", "bG8x", "QUJD", "+/", "Zm9v", "MTIz", "YmFy", "SGk0", "0", "x", "Q1", "=="}},
    {"keywords", {"phone ", "iban ", "born ", "passport ", "12", "1985", "order ", "nhs ", "tel. ", "555 ", "ssn "}},
    {"secrets", {"password=", "token: ", "sk-", "eyJ", "://", "AKIA", "\"", "'", "a1", "-----BEGIN ", "sig=", "@"}},
});

inline std::string repeated(std::string_view piece, std::size_t size) {
  std::string out;
  out.reserve(size + piece.size());
  while (out.size() < size) out += piece;
  return out;
}

inline std::string random_of(const Alphabet& alphabet, std::size_t size) {
  std::mt19937 random(1);
  std::size_t count = 0;
  while (count < alphabet.pieces.size() && !alphabet.pieces[count].empty()) ++count;
  std::string out;
  out.reserve(size + 16);
  while (out.size() < size) out += alphabet.pieces[random() % count];
  return out;
}

}  // namespace tollgate::pii
