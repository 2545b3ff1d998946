#pragma once
// A provider's wire format, both ways, as pure translation: requests out, answers and refusals in. `dialect_upstream`
// puts one over a transport.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/http1.h"
#include "providers/canonical.h"
#include "providers/chat_quirks.h"
#include "providers/event.h"
#include "providers/server_options.h"

namespace tollgate::providers {

// What a call is sent to.
struct DialectTarget {
  std::string model;                       // as the provider names it
  bool stream = false;                     // the answer is wanted piece by piece
  std::int64_t default_max_tokens = 4096;  // where the API demands a number and the caller gave none
  std::string api_version = {};            // OpenAI's on Azure: ends the path
  bool deployment_in_path = true;          // with a version, the model stands in the path
  bool max_completion_tokens = false;      // OpenAI's: the cap's newer name is understood
  std::string body_version = {};           // Anthropic's on Vertex AI: stands in the body, in place of the model
  ChatQuirks quirks = {};                  // of a server of OpenAI's chat API
  SageMakerOptions sagemaker = {};
  GenerateOptions generate = {};
  bool same_api = false;  // the caller's API is OpenAI's chat, too: its own members can go along
};

// What the way there leaves for the way back.
struct AnswerContext {
  bool stream = false;
  std::string id_seed;  // letters and digits that no other answer has, for calls that come without an id
  // Not empty: structured output was asked for by forcing a call of this tool; its arguments are the answer's text.
  std::string answer_tool;
  std::map<std::string, std::string> tool_names;  // by wire name: the caller's, where the two differ
  bool generated = false;                         // SageMaker: the container speaks TGI's API, not OpenAI's
  bool cumulative = false;                        // each event holds the whole text so far
};

// A request, complete but for the endpoint's base path and the proof of who sends it. The method is always POST.
struct DialectCall {
  std::string path;
  std::vector<net::Header> headers;
  std::string body;
  std::vector<std::string> lossy;  // request fields that the caller set and the provider does not get
  AnswerContext answer;
};

// Bytes of one answer in, batches out; the batches' frames are empty, so that encoders write the client's own form.
// Linear in the bytes, bounded, the same wherever the bytes are cut. One per answer; not thread-safe.
class AnswerDecoder {
 public:
  virtual ~AnswerDecoder() = default;
  // Append what arrived, then take batches until next() gives none.
  virtual std::string& input() = 0;
  // nullopt: more bytes are needed. An error is final.
  virtual Result<std::optional<Batch>> next() = 0;
  // No more bytes will come: the batches that are left, then nullopt. Error: the answer was cut.
  virtual Result<std::optional<Batch>> end() = 0;
};

// A refusal: status 4xx or 5xx. Views live as long as the answer they come from.
struct ErrorAnswer {
  int status = 0;
  std::string_view body;  // empty when it was too long
  std::string_view retry_after_ms;
  std::string_view retry_after;
  std::string_view date;
  std::string_view aws_error_type;  // x-amzn-errortype
};

// Pure functions; a row of the table of dialects.
struct ProviderDialect {
  // Errors: invalid_request for what the provider has no place for and what must not be dropped silently.
  Result<DialectCall> (*encode)(CanonicalRequest request, const DialectTarget& target);
  // `content_type` decides between a stream and a whole body, whatever was asked for.
  std::unique_ptr<AnswerDecoder> (*decoder)(AnswerContext context, std::string_view content_type);
  // The provider's words reach the caller only where they speak about the caller's request.
  Error (*decode_error)(const ErrorAnswer& answer);
  // How the same provider is asked for vectors; null: it is not.
  const struct EmbeddingDialect* embeddings = nullptr;
};

extern const EmbeddingDialect kBedrockEmbeddings;  // InvokeModel: Titan and Cohere
extern const EmbeddingDialect kGeminiEmbeddings;   // Vertex AI: predict and embedContent
extern const EmbeddingDialect kOpenAiEmbeddings;   // for callers of another API

// By a provider's kind, and by what its base path ends with; nullptr for kinds that have none.
const ProviderDialect* dialect_of(std::string_view kind, std::string_view base_path);

extern const ProviderDialect kAnthropicDialect;      // Anthropic Messages
extern const ProviderDialect kBedrockDialect;        // Amazon Bedrock Converse
extern const ProviderDialect kChatDialect;           // OpenAI chat, for callers of another API
extern const ProviderDialect kVertexClaudeDialect;   // Anthropic Messages on Vertex AI
extern const ProviderDialect kVertexMistralDialect;  // OpenAI chat, as Mistral's models on Vertex AI take it
extern const ProviderDialect kSageMakerDialect;      // what a container behind Amazon SageMaker speaks
extern const ProviderDialect kGenerateDialect;       // Open Inference Protocol, generate
extern const ProviderDialect kGeminiDialect;         // Gemini, on Vertex AI or by the Gemini API

}  // namespace tollgate::providers
