#include "providers/wire_names.h"

#include <algorithm>
#include <cctype>

namespace tollgate::providers {
namespace {

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

}  // namespace

bool WireNames::fits(std::string_view name) const {
  const auto good = [this](char c) { return is_alphanumeric(c) || rule_.also.find(c) != std::string_view::npos; };
  if (name.empty() || name.size() > rule_.max || !std::all_of(name.begin(), name.end(), good)) return false;
  return !rule_.letter_first || name.front() == '_' || std::isalpha(static_cast<unsigned char>(name.front())) != 0;
}

std::string WireNames::fitted(std::string_view name) const {
  std::string out(name.substr(0, rule_.max));
  for (char& c : out)
    if (!is_alphanumeric(c) && rule_.also.find(c) == std::string_view::npos) c = '_';
  if (!fits(out)) out = ("_" + out).substr(0, rule_.max);
  return out;
}

const std::string& WireNames::wire(const std::string& name) {
  const auto [at, fresh] = known_.try_emplace(name);
  if (!fresh) return at->second;
  const std::string base = fits(name) ? name : fitted(name);
  std::string candidate = base;
  for (int n = 2; taken_.contains(candidate); ++n) {
    const std::string suffix = "_" + std::to_string(n);
    candidate = base.substr(0, rule_.max - suffix.size()) + suffix;
  }
  taken_.insert(candidate);
  return at->second = std::move(candidate);
}

std::map<std::string, std::string> WireNames::renamed() const {
  std::map<std::string, std::string> out;
  for (const auto& [name, wire] : known_)
    if (name != wire) out.emplace(wire, name);
  return out;
}

std::string nine_characters(const std::string& id) {
  constexpr std::size_t kLength = 9;
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  if (id.size() == kLength && id.find_first_not_of(kDigits) == std::string::npos) return id;
  std::uint64_t digest = 0xcbf29ce484222325;  // FNV-1a: no secret, only different ids for different calls
  for (const char c : id) digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string out;
  for (std::size_t i = 0; i < kLength; ++i, digest /= kDigits.size()) out += kDigits[digest % kDigits.size()];
  return out;
}

}  // namespace tollgate::providers
