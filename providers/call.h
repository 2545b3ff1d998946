#pragma once
// A client's request as the gateway understands it: the original bytes, and an index of what lies where in them.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace tollgate::providers {

// What a client calls: one API of one vendor. It fixes the form of the request, of the answer and of errors.
enum class Api : std::uint8_t {
  chat,
  completions,
  embeddings,
  responses,
  messages,
  count_tokens,
  moderations,
  rerank,
  images,
  speech,
  gemini,
  gemini_array,  // its stream as one JSON array
  gemini_count,
  gemini_embed,
  gemini_embed_batch,
  converse,
  // By a form with files:
  transcriptions,
  translations,
  image_edits,
  image_variations,
  // What a provider keeps (kept_objects.h):
  files,
  file_content,
  batches
};

// The model stands in the path, and so does whether the answer is a stream: the body says neither.
constexpr bool model_in_path(Api api) { return api >= Api::gemini && api <= Api::converse; }

// A range of bytes in Call::body. Offsets, never pointers: a Call moves freely.
struct Span {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t end() const { return offset + length; }
};

enum class Role : std::uint8_t { system, user, assistant, tool, other };

// One piece of text a person or a program wrote: where the *inside* of its JSON string lies (between the quotes,
// escapes as sent).
struct TextField {
  Span span;
  Role role = Role::user;
  bool has_escapes = false;  // false: the span is the text
  bool json_inside = false;  // tool-call arguments: the text is itself JSON, and edits land inside its strings
};

// What the one walk over a request found, whatever its API; members that an API does not have stay as they are here.
// Every interpreted object is free of duplicate keys, the document is valid UTF-8 JSON no deeper than 64, and nothing
// follows it.
struct CallIndex {
  Span model;              // the JSON string with its quotes; empty where the path names the model and the body none
  std::string model_name;  // decoded
  bool stream = false;
  bool include_usage = false;               // the caller asked for the usage chunk
  std::optional<Span> stream_options;       // the whole value, when present
  Span stream_options_member;               // the same with its key and a comma
  std::optional<Span> include_usage_value;  // the value of stream_options.include_usage, when present
  std::optional<Span> store;                // responses: the value of store, when present
  Span first_member;                        // empty span just after the top-level '{': where members are injected
  std::optional<std::int64_t> max_tokens;   // the largest of max_tokens, max_completion_tokens
  std::optional<Span> newer_cap;  // the key max_completion_tokens with its quotes, where max_tokens is not given
  std::int64_t n = 1;
  std::vector<TextField> texts;  // in document order
  std::uint64_t text_bytes = 0;  // sum over texts: the estimator's input
  bool opaque_parts = false;     // images, audio, files: what no scanner reads
  bool base64 = false;           // embeddings: the caller wants the numbers as base64
};

// One accepted client call. Immutable after construction; shared by attempts.
struct Call {
  Api api = Api::chat;
  std::shared_ptr<const std::string> body;
  CallIndex index;
  std::string model;  // as the caller named it: in the path where that has a place for it, else in the body
};

// Parses and checks a chat request. Errors are in terms of the OpenAI API (message, param, code) and say what to do.
// `path_model`: the model in the path (Azure's deployments), which wins; the body then need not name one.
Result<Call> decode_chat_request(std::shared_ptr<const std::string> body, std::string path_model = {});

// One replacement of bytes of a body. The replacement is JSON text, inserted as it is.
struct Edit {
  Span span;
  std::string replacement;
};

// The body with the edits applied; everything else byte for byte. Edits may come in any order.
// REQUIRES: edits do not overlap.
std::string splice(std::string_view body, std::vector<Edit> edits);

// The edits that turn a client's body into what the target gets: its own model name, `include_usage` where a streaming
// caller did not ask (so that usage is always known; not where the server does not take the question), and nothing is
// stored.
std::vector<Edit> upstream_edits(const Call& call, std::string_view upstream_model, bool ask_usage = true);

// --- JSON string helpers (shared by dialects and by the pipeline, which maps PII findings back to bytes) ---

// The text inside a JSON string, unescaped. REQUIRES: validated by a decode_ function.
std::string unescape_json(std::string_view raw);
// Appends `text` escaped for the inside of a JSON string: only what RFC 8259 §7 demands.
void append_json_escaped(std::string& out, std::string_view text);
// Maps ascending byte offsets in the unescaped text to byte offsets in `raw`. An offset in the middle of what one
// escape produced maps to the start of that escape.
std::vector<std::uint32_t> raw_offsets(std::string_view raw, const std::vector<std::uint32_t>& text_offsets);

}  // namespace tollgate::providers
