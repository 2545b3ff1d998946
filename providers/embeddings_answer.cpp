// Embeddings on their way back (OpenAI API reference, embeddings/object): a provider's own body is passed on, anything
// else is written here.
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "providers/chat_usage.h"
#include "providers/embedding.h"
#include "providers/identity/crypto.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/provider_fault.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

static_assert(std::endian::native == std::endian::little, "vectors are sent as little-endian float32");

class EmbeddingsEncoder final : public ClientEncoder {
 public:
  explicit EmbeddingsEncoder(EncoderOptions options) : options_(std::move(options)) {}

  void write(const Batch& batch, const std::vector<bool>& /*changed*/, std::string& out) override {
    if (batch.whole_body && !batch.frame.empty()) {
      out += batch.frame;
      written_ = true;
    }
    for (const Event& event : batch.events) {
      if (event.kind == Event::Kind::embedding) vectors_.push_back(event.text);
      if (event.kind == Event::Kind::usage) usage_ = event.usage;
    }
  }

  // Nothing is generated, so there is no text.
  void write_text(std::uint32_t, std::uint32_t, Event::Kind, std::string_view, std::string&) override {}

  void finish(std::string& out) override {
    if (std::exchange(written_, true)) return;
    JsonWriter json;
    json.begin_object();
    json.string("object", "list");
    json.begin_array("data");
    for (std::size_t i = 0; i < vectors_.size(); ++i) write_vector(i, json);
    json.end_array();
    json.string("model", options_.model);
    json.begin_object("usage");
    json.number("prompt_tokens", std::max<std::int64_t>(usage_.input, 0));
    json.number("total_tokens", std::max<std::int64_t>(usage_.input, 0));
    json.end_object();
    json.end_object();
    out += json.take();
  }

  // Plain calls only: their errors are bodies of their own.
  void fail(const Error&, std::string&) override {}

 private:
  void write_vector(std::size_t index, JsonWriter& json) const {
    json.begin_object();
    json.string("object", "embedding");
    json.number("index", static_cast<std::int64_t>(index));
    if (options_.call->index.base64)
      json.string("embedding", base64(vectors_[index]));
    else
      write_numbers("embedding", vectors_[index], json);
    json.end_object();
  }

  EncoderOptions options_;
  std::vector<std::string> vectors_;
  Usage usage_;
  bool written_ = false;
};

}  // namespace

void write_numbers(std::string_view name, std::string_view bytes, JsonWriter& out) {
  out.begin_array(name);
  for (std::size_t at = 0; at + sizeof(float) <= bytes.size(); at += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    out.raw({text.data(), static_cast<std::size_t>(end - text.data())});
  }
  out.end_array();
}

Usage read_embedding_usage(JsonReader& reader) {
  Usage usage;
  walk_object(reader, [&](std::string_view key) {
    if (key == "prompt_tokens")
      usage.input = read_count(reader);
    else
      reader.skip();
  });
  if (usage.input >= 0) usage.output = 0;
  return usage;
}

Result<Batch> decode_embeddings_response(std::string body) {
  if (!valid_utf8(body)) return upstream_garbage();
  Batch batch;
  Usage usage;
  bool has_data = false;
  JsonReader reader(body);
  if (reader.peek() != Kind::object) return upstream_garbage();
  reader.enter_object();
  while (reader.next_member()) {
    const auto key = reader.key();
    has_data = has_data || key == "data";
    if (key == "usage" && reader.peek() == Kind::object)
      usage = read_embedding_usage(reader);
    else if (key == "model" && reader.peek() == Kind::string)
      batch.served_model = reader.decode(reader.string());
    else if (key == "data" && reader.peek() == Kind::array)
      walk_objects(reader, [&](std::string_view) { skip_member(reader, known::kEmbedding, batch.unknown); });
    else
      skip_member(reader, known::kEmbeddings, batch.unknown);
  }
  if (!reader.at_end() || !has_data) return upstream_garbage();
  batch.frame = std::move(body);
  batch.whole_body = true;
  Event& told = batch.events.emplace_back();
  told.kind = Event::Kind::usage;
  told.usage = usage;
  batch.events.emplace_back().kind = Event::Kind::done;
  return batch;
}

std::unique_ptr<ClientEncoder> embeddings_encoder(EncoderOptions options) {
  return std::make_unique<EmbeddingsEncoder>(std::move(options));
}

Event embedding_event(std::uint32_t index, const std::vector<float>& vector) {
  Event event;
  event.kind = Event::Kind::embedding;
  event.choice = index;
  event.text.resize(vector.size() * sizeof(float));
  std::memcpy(event.text.data(), vector.data(), event.text.size());
  return event;
}

std::optional<std::vector<float>> read_vector(JsonReader& reader) {
  std::vector<float> out;
  reader.enter_array();
  while (reader.next_element()) {
    if (reader.peek() != Kind::number) return std::nullopt;
    const auto text = reader.view(reader.skip());
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
    out.push_back(static_cast<float>(value));
  }
  if (!reader.ok() || out.empty()) return std::nullopt;
  return out;
}

}  // namespace tollgate::providers
