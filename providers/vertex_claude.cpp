// Claude on Vertex AI: Anthropic's Messages behind Google's paths (Anthropic's documentation of Claude on Vertex AI,
// and its SDK for it). The model stands in the path, a version in the body.
#include "providers/anthropic.h"
#include "providers/gemini.h"
#include "providers/identity/url_text.h"
#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

Result<DialectCall> encode(CanonicalRequest request, const DialectTarget& target) {
  DialectTarget vertex = target;
  vertex.body_version = "vertex-2023-10-16";
  TG_TRY(auto call, encode_anthropic_request(std::move(request), vertex));
  call.path = "/models/" + url_encode(target.model, "@");
  call.path += target.stream ? ":streamRawPredict" : ":rawPredict";
  std::erase_if(call.headers, [](const net::Header& header) { return header.name == "anthropic-version"; });
  return call;
}

// {"type":"error",...}: the model's own. What Google says in front of it has another form.
bool from_the_model(std::string_view body) {
  JsonReader reader(body);
  if (!valid_utf8(body) || reader.peek() != JsonReader::Kind::object) return false;
  reader.enter_object();
  while (reader.next_member()) {
    if (reader.key() == "type") return true;
    reader.skip();
  }
  return false;
}

Error decode_error(const ErrorAnswer& answer) {
  return from_the_model(answer.body) ? decode_anthropic_error(answer) : decode_gemini_error(answer);
}

}  // namespace

constinit const ProviderDialect kVertexClaudeDialect{encode, anthropic_decoder, decode_error};

}  // namespace tollgate::providers
