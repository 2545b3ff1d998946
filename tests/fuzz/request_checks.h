#pragma once
// What holds for every API's requests: the texts of the index lie in the body, in order; and every provider's dialect
// refuses the canonical form or writes a body that another parser reads.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "providers/dialect.h"
#include "tests/fuzz/require.h"

namespace tollgate::providers::fuzz {

inline void check_texts(const Call& call, std::string_view body) {
  std::uint32_t after = 0;
  for (const auto& field : call.index.texts) {
    require(field.span.end() <= body.size(), "a text lies in the body");
    require(field.span.offset > after, "texts are in order");
    after = field.span.end();
  }
}

template <class Canonicalise>
void check_dialect(const ProviderDialect& dialect, const std::string& model, const Canonicalise& canonicalise) {
  auto request = canonicalise();
  if (!request) return;
  DialectTarget target;
  target.model = model;
  target.stream = true;
  const auto call = dialect.encode(*std::move(request), target);
  if (!call) return;
  require(call->path.starts_with('/') && call->path.find_first_of(" \r\n") == std::string::npos, "a path is one");
  try {
    require(nlohmann::json::parse(call->body).is_object(), "the provider's request is an object");
  } catch (const nlohmann::json::out_of_range&) {  // a number that is JSON, but more than that parser can hold
  }
}

// `canonicalise` makes the canonical form of one and the same body, each time anew.
template <class Canonicalise>
void check_dialects(const Canonicalise& canonicalise) {
  check_dialect(kAnthropicDialect, "claude-sonnet-4-5", canonicalise);
  check_dialect(kBedrockDialect, "anthropic.claude-3-7-sonnet-20250219-v1:0", canonicalise);
  check_dialect(kChatDialect, "gpt", canonicalise);
  check_dialect(kGeminiDialect, "gemini-3-pro-preview", canonicalise);
}

}  // namespace tollgate::providers::fuzz
