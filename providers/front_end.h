#pragma once
// The APIs that clients speak, as pure translation: requests in, answers and refusals out. A row of a table each.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "providers/canonical.h"
#include "providers/event.h"

namespace tollgate::providers {

struct EmbeddingRequest;  // embedding.h

struct EncoderOptions {
  bool stream = false;
  bool include_usage = false;   // the caller asked for it
  std::string id;               // of the answer, where it is written here: "chatcmpl-..."
  std::int64_t created = 0;     // Unix seconds
  std::string model;            // the name the caller used; frames of a provider keep the name they came with
  bool strip_logprobs = false;  // logprobs leak tokens: set while PII is being restored
  std::shared_ptr<const Call> call = nullptr;  // for APIs whose answers repeat what was asked; set in the gateway
  std::string request_id = {};                 // for APIs whose errors name it
};

// Writes events to a client in its API's form. Frames of the same API are edited in place: untouched bytes stay
// untouched. One per answer; not thread-safe.
class ClientEncoder {
 public:
  virtual ~ClientEncoder() = default;

  // An event whose `text` was changed after decoding (restored) is written with the new text. `changed[i]` says so for
  // events[i]; empty = none. Appends client bytes to `out`. For plain calls nothing is written before finish() unless
  // the batch carries a whole body.
  virtual void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) = 0;
  // A piece of text that belongs to no frame of its own (held back by restore, now certain).
  virtual void write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text,
                          std::string& out) = 0;
  // The proper end: the end marker on streams, the assembled body on plain calls without a frame.
  virtual void finish(std::string& out) = 0;
  // After headers have gone: an error event in the caller's form; never a false end.
  virtual void fail(const Error& error, std::string& out) = 0;
};

// What a form that uploads files may hold.
struct FormRules {
  std::span<const std::string_view> files;  // names of the parts that are files; no other part may be one
  bool streams = false;                     // the answer may come piece by piece, as the field `stream` asks
  bool calls = false;                       // the file is a batch's input (batch_lines.h), and its calls name the model
};

struct FrontEnd {
  std::string_view id_prefix;  // of an answer's id, such as "chatcmpl-"
  // Parses and checks a request. Errors are in terms of the API (message, param, code) and say what to do.
  // `path_model`: the model in the path, where it names one; it wins, and the body then need not name one.
  // Null where the request is a form.
  Result<Call> (*decode)(std::shared_ptr<const std::string> body, std::string path_model);
  // The scrubbed body of an accepted call with the wire format taken off, for targets that speak another API. Null
  // where there is no such form.
  Result<CanonicalRequest> (*canonicalise)(std::string_view body);
  std::unique_ptr<ClientEncoder> (*encoder)(EncoderOptions options);
  // The body of a refusal. Error::upstream_body, where it is set, has the API's form already and is returned as it is,
  // but for the id.
  std::string (*error_body)(const Error& error, std::string_view request_id);
  // Where the API's clients look for the id, beside x-request-id; empty: only there.
  std::string_view request_id_header = {};
  // The client's headers that go on to a target that speaks this API itself. Others never cross.
  std::span<const std::string_view> forwarded_headers = {};
  // Of a streamed answer.
  std::string_view stream_type = "text/event-stream; charset=utf-8";
  // Where refusals name their type in x-amzn-errortype.
  std::string_view (*error_type)(const Error& error) = nullptr;
  // The answer is written by a model: it costs tokens. Otherwise the call counts as a request and nothing more.
  bool generates = true;
  const FormRules* form = nullptr;  // the request is multipart/form-data
  // Where vectors are asked for: the scrubbed body of an accepted call, for targets that speak another API.
  Result<EmbeddingRequest> (*embeds)(std::string_view body) = nullptr;
};

const FrontEnd& front_end(Api api);

// OpenAI's form of a refusal, {"error":{...}} with all four keys: of all its APIs, and of what is no API's. On a rate
// limit, param "tokens" or "requests" says which limit it was: it chooses the type and is null on the wire.
std::string encode_error_body(const Error& error);
// Anthropic's form: {"type":"error","error":{"type","message"},"request_id"}. A provider's own body keeps its bytes,
// but for the id.
std::string encode_messages_error(const Error& error, std::string_view request_id);
// Google's form: {"error":{"code","message","status","details"}}. A provider's own body is never passed on: its details
// name projects.
std::string encode_gemini_error(const Error& error, std::string_view request_id);
// AWS's form: {"message"}. The type stands in the header.
std::string encode_converse_error(const Error& error, std::string_view request_id);
std::string_view converse_error_type(const Error& error);
// OpenAI's `type` for our kind: "invalid_request_error", "requests", "insufficient_quota", ...
std::string_view openai_error_type(const Error& error);

struct ModelEntry {
  std::string id;
  std::int64_t created = 0;  // Unix seconds
  std::string owned_by;
};
std::string encode_model_list(const std::vector<ModelEntry>& models);
std::string encode_model(const ModelEntry& model);
// The same in Anthropic's form.
std::string encode_messages_model_list(const std::vector<ModelEntry>& models);
std::string encode_messages_model(const ModelEntry& model);
// The same in Google's.
std::string encode_gemini_model_list(const std::vector<ModelEntry>& models);
std::string encode_gemini_model(const ModelEntry& model);

}  // namespace tollgate::providers
