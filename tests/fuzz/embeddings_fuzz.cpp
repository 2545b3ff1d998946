// Embeddings: whatever request is accepted is written so that another parser reads it; whatever a provider answers is
// numbers or an error.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "providers/embedding.h"
#include "providers/gemini_call.h"
#include "tests/fuzz/request_checks.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void encode(const EmbeddingDialect& dialect, EmbeddingRequest request, std::string_view model) {
  const EmbeddingTarget target{model, "h"};
  request.inputs.resize(std::min(request.inputs.size(), dialect.batch(target)));
  const auto call = dialect.encode(request, target);
  require(call && nlohmann::json::parse(call->body).is_object());
}

void encode_everywhere(const tollgate::Result<EmbeddingRequest>& request) {
  if (!request) return;
  for (const char* model : {"amazon.titan-embed-text-v2:0", "cohere.embed-v4:0"})
    encode(kBedrockEmbeddings, *request, model);
  for (const char* model : {"text-embedding-005", "gemini-embedding-2"}) encode(kGeminiEmbeddings, *request, model);
  encode(kOpenAiEmbeddings, *request, "text-embedding-3-small");
}

void decode(const EmbeddingDialect& dialect, std::string_view body) {
  const auto answer = dialect.decode(body, "7");
  if (!answer) return;
  for (const auto& vector : answer->vectors) require(!vector.empty());
}

void write(const EmbeddingAnswer& answer, bool base64) {
  auto call = std::make_shared<Call>();
  call->index.base64 = base64;
  EncoderOptions options;
  options.call = call;
  const auto encoder = embeddings_encoder(options);
  Batch batch;
  for (std::uint32_t i = 0; i < answer.vectors.size(); ++i)
    batch.events.push_back(embedding_event(i, answer.vectors[i]));
  std::string out;
  encoder->write(batch, {}, out);
  encoder->finish(out);
  require(nlohmann::json::parse(out)["data"].size() == answer.vectors.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  const auto call = decode_embeddings_request(body, {});
  if (call) encode_everywhere(read_embeddings(*body));
  for (const auto decode_call : {decode_gemini_embed_call, decode_gemini_embed_batch_call}) {
    const auto google = decode_call(body, "m");
    if (!google) continue;
    fuzz::check_texts(*google, *body);
    encode_everywhere(read_gemini_embed(*body));
  }
  (void)decode_embeddings_response(*body);
  decode(kBedrockEmbeddings, *body);
  decode(kGeminiEmbeddings, *body);
  decode(kOpenAiEmbeddings, *body);
  if (const auto answer = kGeminiEmbeddings.decode(*body, {})) {
    write(*answer, false);
    write(*answer, true);
  }
  return 0;
}
