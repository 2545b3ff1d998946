#pragma once
// The kinds of providers, as a configuration names them: what differs between them by a value. One row each.
#include <optional>
#include <span>
#include <string_view>

#include "providers/identity/options.h"

namespace tollgate::providers {

struct ProviderKind {
  std::string_view name;
  bool openai = false;  // OpenAI's APIs at an address of its own: `apis` says which of them the server speaks
  bool pool = false;    // a Tollgate that holds models for others, and is told who calls (pool_caller.h)
  bool aws = false;     // identities it takes besides a bearer key
  bool google = false;
  bool entra = false;
  std::optional<KeyIdentity::Header> key_header = {};  // of keys that are not sent as Authorization: Bearer
  std::string_view aws_service = "bedrock";            // what signatures are for
  std::string_view entra_scope = "https://cognitiveservices.azure.com/.default";
  // For the people who set one up.
  std::string_view endpoint = "The endpoint is all that stands before /chat/completions, often ending in /v1.";
  std::string_view model = "Check the target's model, its spelling and region.";
  std::string_view right = {};  // what a credential needs besides being known
};

std::span<const ProviderKind> provider_kinds();

// nullptr: there is no such kind.
const ProviderKind* provider_kind(std::string_view name);

// OpenAI's APIs, spoken by the provider itself.
inline bool speaks_openai(std::string_view kind) {
  const ProviderKind* row = provider_kind(kind);
  return row != nullptr && row->openai;
}

inline bool is_pool(std::string_view kind) {
  const ProviderKind* row = provider_kind(kind);
  return row != nullptr && row->pool;
}

}  // namespace tollgate::providers
