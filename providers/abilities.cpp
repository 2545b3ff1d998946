#include "providers/abilities.h"

#include "providers/embedding.h"
#include "providers/native_api.h"

namespace tollgate::providers {

std::string_view to_string(Api api) {
  switch (api) {
    case Api::chat:
      return "chat";
    case Api::completions:
      return "completions";
    case Api::embeddings:
      return "embeddings";
    case Api::responses:
      return "responses";
    case Api::messages:
      return "messages";
    case Api::count_tokens:
      return "count_tokens";
    case Api::moderations:
      return "moderations";
    case Api::rerank:
      return "rerank";
    case Api::images:
      return "images";
    case Api::speech:
      return "speech";
    case Api::gemini:
    case Api::gemini_array:
      return "gemini";
    case Api::gemini_count:
      return "gemini_count_tokens";
    case Api::gemini_embed:
    case Api::gemini_embed_batch:
      return "gemini_embeddings";
    case Api::converse:
      return "converse";
    case Api::transcriptions:
      return "transcriptions";
    case Api::translations:
      return "translations";
    case Api::image_edits:
      return "image_edits";
    case Api::image_variations:
      return "image_variations";
    case Api::files:
      return "files";
    case Api::file_content:
      return "file_content";
    case Api::batches:
      return "batches";
  }
  return "unknown";
}

Ability ability(const ProviderOptions& provider, std::string_view model, Api api) {
  const bool local = provider.kind == "local";
  if (!local && native_api(provider, api) != nullptr) return Ability::native;
  if (front_end(api).embeds != nullptr) {
    if (local) return Ability::translated;
    const EmbeddingDialect* dialect = embeddings_of(provider);
    if (dialect == nullptr) return Ability::none;
    return dialect->batch({model, provider.endpoint->host}) > 0 ? Ability::translated : Ability::none;
  }
  const bool speaks = local || dialect_of(provider.kind, provider.endpoint->base_path) != nullptr;
  return speaks && front_end(api).canonicalise != nullptr ? Ability::translated : Ability::none;
}

// Where a provider has an API of its own for embeddings, that knows its models. Elsewhere people name them so:
// text-embedding-3-small, nomic-embed-text, mistral-embed.
bool embeds(const ProviderOptions& provider, std::string_view model) {
  if (provider.kind == "local") return false;  // it chats, too
  const Ability embedding = ability(provider, model, Api::embeddings);
  if (embedding != Ability::native) return embedding == Ability::translated;
  const bool nothing_else = provider.apis == std::vector{Api::embeddings};
  return nothing_else || model.find("embed") != std::string_view::npos;
}

}  // namespace tollgate::providers
