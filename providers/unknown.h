#pragma once
// What stands in a provider's answer and no decoder reads: told apart from what is known and passed on as it is. Pure.
// Internal to providers/.
#include <span>
#include <string_view>
#include <vector>

#include "providers/event.h"
#include "providers/json_reader.h"

namespace tollgate::providers {

// Of what vendors are known to send (known_names.h).
using Names = std::span<const std::string_view>;

// Notes it, unless it is noted already; of one batch a few at most. The name comes from outside and goes into the log:
// capitals become small ones after an underscore, and "other" stands for a name that has other characters than
// [a-z0-9_.-], more than 64 of them, or more than six digits, which could be somebody's number.
void note_unknown(Unknown::What what, std::string_view name, std::vector<Unknown>& out);

bool is_known(Names known, std::string_view name);

// Notes a name that is none of `known`.
void note_unless(Names known, Unknown::What what, std::string_view name, std::vector<Unknown>& out);

// Consumes the value of the current member, which its decoder does not read. It is noted where its name is none of
// `known` and there is a text in it, however deep: numbers, flags, null and empty texts hide nothing from a policy.
// REQUIRES: `reader` stands at a member's value
void skip_member(JsonReader& reader, Names known, std::vector<Unknown>& out,
                 Unknown::What what = Unknown::What::member);

}  // namespace tollgate::providers
