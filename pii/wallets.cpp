// Addresses and private keys of cryptocurrencies. What has a check digit is found anywhere; what has none, by its form.
#include <sodium/crypto_hash_sha256.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "pii/detect.h"

namespace tollgate::pii {
namespace {

constexpr std::string_view kBitcoinAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kRippleAlphabet = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

// What may follow a first character, by the first byte of what is encoded.
struct Base58Form {
  std::string_view first;  // characters it can start with
  std::size_t shortest;
  std::size_t longest;
  std::size_t bytes;  // decoded, with the four of the check sum
  unsigned version;   // the first of them
  EntityType type = EntityType::crypto;
  std::string_view alphabet = kBitcoinAlphabet;
};

constexpr auto kForms = std::to_array<Base58Form>({
    {"1", 26, 34, 25, 0x00},                                       // Bitcoin
    {"3", 26, 34, 25, 0x05},                                       //
    {"L", 33, 34, 25, 0x30},                                       // Litecoin
    {"M", 33, 34, 25, 0x32},                                       //
    {"D", 33, 34, 25, 0x1E},                                       // Dogecoin
    {"T", 34, 34, 25, 0x41},                                       // Tron
    {"r", 25, 35, 25, 0x00, EntityType::crypto, kRippleAlphabet},  // XRP
    {"5", 51, 51, 37, 0x80, EntityType::private_key},              // Bitcoin, wallet import format
    {"KL", 52, 52, 38, 0x80, EntityType::private_key},             // ... for a compressed public key
    {"x", 111, 111, 82, 0x04, EntityType::private_key},            // BIP 32: xprv
});

std::optional<std::vector<unsigned char>> decode_base58(std::string_view text, const Base58Form& form) {
  std::vector<unsigned char> out(form.bytes);
  for (const char c : text) {
    std::size_t carry = form.alphabet.find(c);
    if (carry == std::string_view::npos) return std::nullopt;
    for (auto byte = out.rbegin(); byte != out.rend(); ++byte) {
      carry += 58 * std::size_t{*byte};
      *byte = static_cast<unsigned char>(carry & 0xFFU);
      carry >>= 8U;
    }
    if (carry != 0) return std::nullopt;
  }
  return out;
}

// The last four bytes are the start of the double SHA-256 of the others.
bool check_sum_valid(const std::vector<unsigned char>& bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> once{};
  std::array<unsigned char, crypto_hash_sha256_BYTES> twice{};
  crypto_hash_sha256(once.data(), bytes.data(), bytes.size() - 4);
  crypto_hash_sha256(twice.data(), once.data(), once.size());
  return std::equal(bytes.end() - 4, bytes.end(), twice.begin());
}

bool fits(const Base58Form& form, std::string_view text) {
  if (text.size() < form.shortest || text.size() > form.longest) return false;
  if (form.first.find(text.front()) == std::string_view::npos) return false;
  if (form.first == "x" && !text.starts_with("xprv")) return false;  // xpub is no secret
  const auto bytes = decode_base58(text, form);
  return bytes && bytes->front() == form.version && check_sum_valid(*bytes);
}

// BIP 173 and 350: the polynomial that the five-bit values must leave as 1, or as the constant of bech32m.
bool bech32_valid(std::string_view prefix, std::string_view data) {
  static constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  static constexpr std::array<std::uint32_t, 5> kGenerator = {0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD,
                                                              0x2A1462B3};
  std::uint32_t sum = 1;
  const auto step = [&sum](std::uint32_t value) {
    const std::uint32_t top = sum >> 25U;
    sum = ((sum & 0x1FFFFFFU) << 5U) ^ value;
    for (std::size_t i = 0; i < kGenerator.size(); ++i)
      if ((top >> i) & 1U) sum ^= kGenerator[i];
  };
  for (const char c : prefix) step(static_cast<unsigned char>(c) >> 5U);
  step(0);
  for (const char c : prefix) step(static_cast<unsigned char>(c) & 31U);
  for (const char c : data) {
    const auto value = kAlphabet.find(to_lower(c));
    if (value == std::string_view::npos) return false;
    step(static_cast<std::uint32_t>(value));
  }
  return sum == 1 || sum == 0x2BC830A3U;
}

constexpr auto kBech32Prefixes = std::to_array<std::string_view>({"bc", "tb", "ltc"});

bool is_bech32(std::string_view text) {
  for (const auto prefix : kBech32Prefixes) {
    const bool small = text.starts_with(prefix);
    const bool starts = small || (to_upper(prefix[0]) == text[0] && to_upper(prefix[1]) == text[1]);
    if (!starts || text.size() < prefix.size() + 12 || text.size() > 90 || text[prefix.size()] != '1') continue;
    if (bech32_valid(prefix, text.substr(prefix.size() + 1))) return true;
  }
  return false;
}

// Ethereum and its like. Without Keccak the case of the letters cannot be checked; a hash of a transaction is longer.
bool is_ethereum(std::string_view text) {
  return text.size() == 42 && text.starts_with("0x") && std::ranges::all_of(text.substr(2), is_hex);
}

// What any of them may begin with: most runs of letters and digits do not.
constexpr auto kFirsts = [] {
  std::array<bool, 256> out{};
  const auto add = [&out](char c) { out[static_cast<unsigned char>(c)] = true; };
  for (const auto& form : kForms)
    for (const char c : form.first) add(c);
  for (const auto prefix : kBech32Prefixes) {
    add(prefix[0]);
    add(to_upper(prefix[0]));
  }
  add('0');  // Ethereum's 0x
  return out;
}();

}  // namespace

void detect_wallet(std::string_view text, std::size_t start, std::size_t end, Findings& out) {
  const auto run = text.substr(start, end - start);
  if (run.size() > kForms.back().longest || !kFirsts[static_cast<unsigned char>(run.front())]) return;
  if (is_ethereum(run)) out.push_back({EntityType::crypto, start, end, 0.7});
  if (is_bech32(run)) out.push_back({EntityType::crypto, start, end, 1.0, 0, {Term::check}});
  for (const auto& form : kForms)
    if (fits(form, run)) out.push_back({form.type, start, end, 1.0, 0, {Term::check}});
}

}  // namespace tollgate::pii
