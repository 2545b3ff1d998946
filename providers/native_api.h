#pragma once
// Which APIs a provider speaks itself. A call of one of them is spliced, and its answer edited in place: what nobody
// here knows survives byte for byte. Pure. Internal to providers/.
#include <string>
#include <string_view>

#include "providers/dialect.h"
#include "providers/upstream.h"

namespace tollgate::providers {

struct NativeApi {
  std::string_view operation;  // after the endpoint's base path
  // The data of one SSE event, as decode_chat_event takes it, or the payload of one message. Null: the API never
  // streams.
  Result<Batch> (*decode_event)(std::string frame, std::string_view data, std::size_t data_offset);
  Result<Batch> (*decode_body)(std::string body);
  Error (*decode_error)(const ErrorAnswer& answer);  // keeps a body that is for the caller
  // A header that the API wants, where the client sent none of that name.
  struct {
    std::string_view name;
    std::string_view value;
  } wanted = {};
  bool in_deployment = true;  // Azure's older routes name the deployment in the path
  // Where the path names the model, and says whether the answer is a stream: instead of `operation`.
  std::string (*path)(std::string_view model, bool stream) = nullptr;
  // Of a streamed answer: Server-Sent Events, or the messages of an AWS event stream.
  std::string_view stream_type = "text/event-stream";
  std::size_t max_frame = std::size_t{1024} * 1024;
  bool in_pieces = false;  // an answer of any length, handed on as it comes: decode_body gets it piece by piece
};

// nullptr: the provider does not speak `api`, so the call has to be translated.
const NativeApi* native_api(const ProviderOptions& options, Api api);

// How callers of another API get vectors from this provider; nullptr: it has none for them.
const EmbeddingDialect* embeddings_of(const ProviderOptions& options);

// With a version, Azure OpenAI's routes are by deployment; Azure AI's are not.
inline bool deployment_in_path(const ProviderOptions& options) { return options.kind != "azure_ai"; }

// Azure's older routes name the deployment in the path, where `model` is given, and a version (Azure OpenAI REST
// reference); no version: neither.
std::string operation_path(std::string_view operation, std::string_view model, std::string_view api_version);

}  // namespace tollgate::providers
