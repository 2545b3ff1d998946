#include "gateway/pipeline/routes.h"

#include <algorithm>
#include <array>
#include <optional>

#include "gateway/net/percent.h"
#include "gateway/pipeline/call.h"
#include "gateway/pipeline/kept.h"
#include "gateway/pipeline/models.h"

namespace tollgate::pipeline {

using net::Task;
using providers::Api;

namespace {

using Serve = Task<void> (*)(const Services&, std::shared_ptr<const View>, server::Exchange&, providers::Api,
                             std::string name);

struct Route {
  std::string_view method;
  std::string_view path;
  bool named;  // what stands between `path` and `after` names a model, percent-encoded or not: it may hold '/' and ':'
  std::string_view after;
  Serve serve;
  Api api;  // the form of answers and refusals
};

// Without alt=sse Google streams one JSON array, in pieces.
Task<void> serve_gemini_stream(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                               Api api, std::string model) {
  if (net::query_value(exchange.head().target, "alt") != "sse") api = Api::gemini_array;
  co_await serve_stream(services, std::move(view), exchange, api, std::move(model));
}

// Beside OpenAI's paths those that Azure's SDK classes make of them (wire facts: openai-python lib/azure.py, which
// leaves a slash in a name as it is). The query, an api-version, is not looked at. Google's paths are those of the
// Gemini API; served_path() makes them of Vertex AI's.
constexpr std::array kRoutes = {
    Route{"POST", "/v1/chat/completions", false, "", serve_call, Api::chat},
    Route{"POST", "/openai/v1/chat/completions", false, "", serve_call, Api::chat},
    Route{"POST", "/openai/deployments/", true, "/chat/completions", serve_call, Api::chat},
    Route{"POST", "/v1/completions", false, "", serve_call, Api::completions},
    Route{"POST", "/openai/v1/completions", false, "", serve_call, Api::completions},
    Route{"POST", "/openai/deployments/", true, "/completions", serve_call, Api::completions},
    Route{"POST", "/v1/embeddings", false, "", serve_call, Api::embeddings},
    Route{"POST", "/openai/v1/embeddings", false, "", serve_call, Api::embeddings},
    Route{"POST", "/openai/deployments/", true, "/embeddings", serve_call, Api::embeddings},
    Route{"POST", "/v1/responses", false, "", serve_call, Api::responses},
    Route{"POST", "/openai/v1/responses", false, "", serve_call, Api::responses},
    Route{"POST", "/openai/responses", false, "", serve_call, Api::responses},
    Route{"POST", "/v1/messages", false, "", serve_call, Api::messages},
    Route{"POST", "/v1/messages/count_tokens", false, "", serve_call, Api::count_tokens},
    Route{"POST", "/v1/moderations", false, "", serve_call, Api::moderations},
    Route{"POST", "/openai/v1/moderations", false, "", serve_call, Api::moderations},
    Route{"POST", "/v1/rerank", false, "", serve_call, Api::rerank},
    Route{"POST", "/v2/rerank", false, "", serve_call, Api::rerank},
    Route{"POST", "/v1/images/generations", false, "", serve_call, Api::images},
    Route{"POST", "/openai/v1/images/generations", false, "", serve_call, Api::images},
    Route{"POST", "/openai/deployments/", true, "/images/generations", serve_call, Api::images},
    Route{"POST", "/v1/audio/speech", false, "", serve_call, Api::speech},
    Route{"POST", "/openai/v1/audio/speech", false, "", serve_call, Api::speech},
    Route{"POST", "/openai/deployments/", true, "/audio/speech", serve_call, Api::speech},
    Route{"POST", "/v1beta/models/", true, ":generateContent", serve_call, Api::gemini},
    Route{"POST", "/v1beta/models/", true, ":streamGenerateContent", serve_gemini_stream, Api::gemini},
    Route{"POST", "/v1beta/models/", true, ":countTokens", serve_call, Api::gemini_count},
    Route{"POST", "/v1beta/models/", true, ":embedContent", serve_call, Api::gemini_embed},
    Route{"POST", "/v1beta/models/", true, ":batchEmbedContents", serve_call, Api::gemini_embed_batch},
    Route{"POST", "/model/", true, "/converse", serve_call, Api::converse},
    Route{"POST", "/model/", true, "/converse-stream", serve_stream, Api::converse},
    Route{"GET", "/v1beta/models", false, "", serve_models, Api::gemini},
    Route{"GET", "/v1beta/models/", true, "", serve_models, Api::gemini},
    Route{"POST", "/v1/audio/transcriptions", false, "", serve_call, Api::transcriptions},
    Route{"POST", "/openai/v1/audio/transcriptions", false, "", serve_call, Api::transcriptions},
    Route{"POST", "/openai/deployments/", true, "/audio/transcriptions", serve_call, Api::transcriptions},
    Route{"POST", "/v1/audio/translations", false, "", serve_call, Api::translations},
    Route{"POST", "/openai/v1/audio/translations", false, "", serve_call, Api::translations},
    Route{"POST", "/openai/deployments/", true, "/audio/translations", serve_call, Api::translations},
    Route{"POST", "/v1/images/edits", false, "", serve_call, Api::image_edits},
    Route{"POST", "/openai/v1/images/edits", false, "", serve_call, Api::image_edits},
    Route{"POST", "/openai/deployments/", true, "/images/edits", serve_call, Api::image_edits},
    Route{"POST", "/v1/images/variations", false, "", serve_call, Api::image_variations},
    Route{"POST", "/openai/v1/images/variations", false, "", serve_call, Api::image_variations},
    Route{"POST", "/v1/files", false, "", serve_call, Api::files},
    Route{"GET", "/v1/files", false, "", serve_kept_list, Api::files},
    Route{"GET", "/v1/files/", true, "/content", serve_content, Api::file_content},
    Route{"GET", "/v1/files/", true, "", serve_kept, Api::files},
    Route{"DELETE", "/v1/files/", true, "", serve_kept, Api::files},
    Route{"POST", "/v1/batches", false, "", serve_new_batch, Api::batches},
    Route{"GET", "/v1/batches", false, "", serve_kept_list, Api::batches},
    Route{"POST", "/v1/batches/", true, "/cancel", serve_cancel, Api::batches},
    Route{"GET", "/v1/batches/", true, "", serve_kept, Api::batches},
    Route{"GET", "/v1/models", false, "", serve_models, Api::chat},
    Route{"GET", "/openai/v1/models", false, "", serve_models, Api::chat},
    Route{"GET", "/openai/models", false, "", serve_models, Api::chat},
    Route{"GET", "/v1/models/", true, "", serve_models, Api::chat},
    Route{"GET", "/openai/v1/models/", true, "", serve_models, Api::chat},
    Route{"GET", "/openai/models/", true, "", serve_models, Api::chat},
};

constexpr std::array<std::string_view, 5> kGoogleVerbs = {":generateContent", ":streamGenerateContent", ":countTokens",
                                                          ":embedContent", ":batchEmbedContents"};

// Vertex AI's paths name a project and a location before the model, which are the gateway's to choose:
// "/v1beta1/projects/P/locations/L/publishers/google/models/M:generateContent". Both of Google's APIs have versions.
// What Azure OpenAI keeps has OpenAI's paths behind prefixes of its own.
std::string served_path(std::string_view path) {
  constexpr std::string_view kModels = "/publishers/google/models/";
  constexpr std::string_view kVersion1 = "/v1/models/";
  const auto models = path.find(kModels);
  const bool versioned = path.starts_with("/v1beta1/") || path.starts_with("/v1/");
  if (versioned && models != std::string_view::npos)
    return "/v1beta/models/" + std::string(path.substr(models + kModels.size()));
  const bool verb = std::any_of(kGoogleVerbs.begin(), kGoogleVerbs.end(),
                                [path](std::string_view one) { return path.ends_with(one); });
  if (verb && path.starts_with(kVersion1)) return "/v1beta/models/" + std::string(path.substr(kVersion1.size()));
  for (const std::string_view prefix : {"/openai/v1/", "/openai/"})
    for (const std::string_view kept : {"files", "batches"})
      if (path.starts_with(prefix) && path.substr(prefix.size()).starts_with(kept))
        return "/v1/" + std::string(path.substr(prefix.size()));
  return std::string(path);
}

// Whose form a refusal has where no route says.
Api api_of(std::string_view path) {
  if (path.starts_with("/v1/messages")) return Api::messages;
  if (path.starts_with("/model/")) return Api::converse;
  return path.starts_with("/v1beta") ? Api::gemini : Api::chat;
}

// The name in the path, empty where the route has none; nullopt: another route's path.
std::optional<std::string_view> match(const Route& route, std::string_view path) {
  if (!route.named) return path == route.path ? std::optional(std::string_view()) : std::nullopt;
  const std::size_t around = route.path.size() + route.after.size();
  if (path.size() <= around || !path.starts_with(route.path) || !path.ends_with(route.after)) return std::nullopt;
  return path.substr(route.path.size(), path.size() - around);
}

// What OpenAI's API calls it, whichever of its prefixes stands before.
std::string_view operation_of(std::string_view path) {
  for (const std::string_view prefix : {"/openai", "/v1"})
    if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
  return path;
}

// GET, DELETE and more of a response by its id: the SDKs have methods for them.
bool names_a_response(std::string_view path) { return operation_of(path).starts_with("/responses/"); }

// APIs that the SDKs know and that no gateway of this version passes on, each with what to do instead.
struct Unserved {
  std::string_view operation;
  std::string_view advice;
};
constexpr std::array kUnserved = {
    Unserved{"/realtime", "Realtime sessions (WebSocket, WebRTC) are not served: stream /v1/chat/completions instead."},
    Unserved{"/uploads", "Uploads in parts are not served: send a batch's file whole, to /v1/files."},
    Unserved{"/fine_tuning", "Fine-tuning is not served: it is the operator's, at the provider."},
    Unserved{"/assistants", "Assistants keep state at a provider, and this gateway keeps none: use /v1/responses."},
    Unserved{"/threads", "Threads keep state at a provider, and this gateway keeps none: use /v1/responses."},
    Unserved{"/vector_stores", "Vector stores keep state at a provider, and this gateway keeps none."},
};

const Unserved* unserved(std::string_view path) {
  const std::string_view operation = operation_of(path);
  for (const Unserved& one : kUnserved) {
    if (!operation.starts_with(one.operation)) continue;
    const std::string_view rest = operation.substr(one.operation.size());
    if (rest.empty() || rest.front() == '/') return &one;
  }
  return nullptr;
}

Error no_state(std::string method, const std::string& path) {
  return Error{.kind = ErrorKind::not_found,
               .message = std::move(method) + " " + path +
                          " finds nothing: this gateway keeps no responses. Keep what POST /v1/responses answers, and "
                          "send it again in 'input'.",
               .code = "response_not_found",
               .retryable = false};
}

Error unknown_verb(const std::string& path) {
  return Error{.kind = ErrorKind::not_found,
               .message = "POST " + path +
                          " is not served. This gateway serves generateContent, streamGenerateContent, countTokens, "
                          "embedContent and batchEmbedContents in Google's form.",
               .code = "unsupported_api",
               .retryable = false};
}

Error unknown_path(const server::Exchange& exchange, std::string_view allowed) {
  const std::string path = served_path(exchange.head().path());
  const auto& method = exchange.head().method;
  if (method == "POST" && api_of(path) == Api::gemini && !path.ends_with(":generateContent")) return unknown_verb(path);
  if (allowed.empty() && names_a_response(path)) return no_state(method, path);
  if (const Unserved* one = allowed.empty() ? unserved(path) : nullptr)
    return Error{.kind = ErrorKind::not_found,
                 .message = std::string(one->advice),
                 .code = "unsupported_api",
                 .retryable = false};
  return Error{.kind = allowed.empty() ? ErrorKind::not_found : ErrorKind::method_not_allowed,
               .message = allowed.empty()
                              ? "Unknown request URL: " + method + " " + path +
                                    ". This gateway serves /v1/chat/completions, /v1/completions, /v1/embeddings, "
                                    "/v1/responses, /v1/messages, /v1/models, Google's /v1beta/models and AWS's "
                                    "/model/{id}/converse."
                              : "Not allowed to " + method + " on " + path + ". Use " + std::string(allowed) + ".",
               .code = allowed.empty() ? "unknown_url" : "method_not_supported",
               .retryable = false};
}

}  // namespace

Task<void> route(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange) {
  const std::string path = served_path(exchange.head().path());
  std::string_view allowed;
  Api api = api_of(path);
  for (const auto& candidate : kRoutes) {
    const auto name = match(candidate, path);
    if (!name) continue;
    if (candidate.method == exchange.head().method) {
      // A head with an escape that cannot be decoded was refused by net::guard().
      std::string decoded = net::percent_decode(*name).value();
      co_await candidate.serve(services, std::move(view), exchange, candidate.api, std::move(decoded));
      co_return;
    }
    allowed = candidate.method;
    api = candidate.api;
  }
  Error error = unknown_path(exchange, allowed);
  server::HeaderLines headers;
  if (!allowed.empty()) headers.add("allow", allowed);
  co_await answer_error(exchange, api, std::move(error), std::move(headers));
}

Task<void> refuse(server::Exchange& exchange, Error error) {
  const std::string path = served_path(exchange.head().path());
  co_await answer_error(exchange, api_of(path), std::move(error));
}

}  // namespace tollgate::pipeline
