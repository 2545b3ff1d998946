// Mistral's models on Vertex AI: its chat API, which is OpenAI's but for some words, behind Google's paths (Google
// Cloud's documentation of Mistral models; Mistral API reference, chat/completions).
#include "providers/gemini.h"
#include "providers/identity/url_text.h"
#include "providers/json_reader.h"
#include "providers/openai_chat.h"

namespace tollgate::providers {
namespace {

Result<DialectCall> encode(CanonicalRequest request, const DialectTarget& target) {
  DialectTarget vertex = target;
  vertex.quirks = mistral_quirks();
  vertex.quirks.stream_options = false;
  // A version after '@' belongs to the path only.
  vertex.model = target.model.substr(0, target.model.find('@'));
  TG_TRY(auto call, encode_chat_request(std::move(request), vertex));
  call.path = "/models/" + url_encode(target.model, "@");
  call.path += target.stream ? ":streamRawPredict" : ":rawPredict";
  return call;
}

// What stands in front of the model speaks as Google does: a status word beside the number.
bool from_google(std::string_view body) {
  JsonReader reader(body);
  if (!valid_utf8(body)) return false;
  if (reader.peek() == JsonReader::Kind::array) return true;
  if (reader.peek() != JsonReader::Kind::object) return false;
  reader.enter_object();
  while (reader.next_member()) {
    if (reader.key() == "error" && reader.peek() == JsonReader::Kind::object) return true;
    reader.skip();
  }
  return false;
}

Error decode_error(const ErrorAnswer& answer) {
  return from_google(answer.body) ? decode_gemini_error(answer) : decode_chat_error(answer);
}

}  // namespace

constinit const ProviderDialect kVertexMistralDialect{encode, chat_decoder, decode_error};

}  // namespace tollgate::providers
