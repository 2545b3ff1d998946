#pragma once
// National identifiers: what people are numbered by, country by country. One row of identifier_table.cpp is one way to
// write one of them; a row says what it looks like, what makes a string of that look right, and what it is called.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pii/entity.h"

namespace tollgate::pii {

struct Identifier {
  EntityType type;
  // d digit, a letter, x either; capitals and digits stand for themselves. A character of " -./" may stand there; it
  // counts for more where it is the one in use. "d{8,17}" is eight to seventeen digits.
  std::string_view shape;
  // The odds that something of this look is one, before anything else is known: a few kinds of digits in a bank's text
  // are identifiers (see Odds in identifier.cpp).
  double odds;
  // Check digits, birth dates, issued ranges: over the characters alone, in capitals. nullptr = nothing to check.
  bool (*valid)(std::string_view characters);
  // One random string of the look in how many is valid.
  double one_in;
  // What it is called, in the languages that call it that: lower case, separated by '|'. A space stands for '_' and '-'
  // too, and for what a capital after a small letter does: "account number" is accountNumber and account_number.
  std::string_view words;
};

std::span<const Identifier> identifiers();

}  // namespace tollgate::pii
