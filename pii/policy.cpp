#include <algorithm>
#include <array>
#include <numeric>

#include "pii/pii.h"

namespace tollgate::pii {
namespace {

constexpr std::array<std::string_view, kEntityTypes> kNames = {"CREDIT_CARD",   "IBAN_CODE",  "US_SSN", "PHONE_NUMBER",
                                                               "EMAIL_ADDRESS", "IP_ADDRESS", "API_KEY"};

}  // namespace

std::string_view to_string(EntityType type) { return kNames[static_cast<std::size_t>(type)]; }

bool parse_entity_type(std::string_view name, EntityType& out) {
  const auto* it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) return false;
  out = static_cast<EntityType>(it - kNames.begin());
  return true;
}

std::int64_t Counts::total() const { return std::accumulate(std::begin(by_type), std::end(by_type), std::int64_t{0}); }

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace tollgate::pii
