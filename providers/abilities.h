#pragma once
// What can be asked of a model behind a provider, before anything is. Pure.
#include <array>
#include <string_view>

#include "providers/call.h"
#include "providers/upstream.h"

namespace tollgate::providers {

// Every API that a model is called by, in the order in which people ask for them.
inline constexpr std::array kApis = {Api::chat,         Api::responses,        Api::messages,       Api::count_tokens,
                                     Api::embeddings,   Api::completions,      Api::moderations,    Api::rerank,
                                     Api::images,       Api::speech,           Api::transcriptions, Api::translations,
                                     Api::image_edits,  Api::image_variations, Api::batches,        Api::gemini,
                                     Api::gemini_count, Api::gemini_embed,     Api::converse};

// Stable lower-case name, for the ledger and for people: "chat".
std::string_view to_string(Api api);

enum class Ability : std::uint8_t {
  none,
  translated,  // what the provider cannot express is named to the caller
  native,      // byte for byte
};

// `model`: as the provider names it.
Ability ability(const ProviderOptions& provider, std::string_view model, Api api);

// The model is one for embeddings, as far as its provider and its name tell.
bool embeds(const ProviderOptions& provider, std::string_view model);

}  // namespace tollgate::providers
