// Whatever comes in as a call of generateContent: it is refused, or its index lies inside it, and every provider's
// dialect refuses the canonical form or writes a body that another parser reads. And whatever comes in as an answer:
// its spans lie where they say, and, written as events, a stream and a body are JSON.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "providers/dialect.h"
#include "providers/gemini_call.h"
#include "providers/gemini_event.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void check_dialect(const ProviderDialect& dialect, const std::string& body, const std::string& model) {
  auto request = canonicalise_gemini(body);
  if (!request) return;
  DialectTarget target;
  target.model = model;
  target.stream = true;
  const auto call = dialect.encode(std::move(*request), target);
  if (!call) return;
  try {
    require(nlohmann::json::parse(call->body).is_object(), "the provider's request is an object");
  } catch (const nlohmann::json::out_of_range&) {  // a number that is JSON, but more than that parser can hold
  }
}

void check_call(const std::shared_ptr<const std::string>& body) {
  const auto call = decode_gemini_call(body, "m");
  if (!call) return;
  std::uint32_t after = 0;
  for (const auto& field : call->index.texts) {
    require(field.span.end() <= body->size(), "a text lies in the body");
    require(field.span.offset > after, "texts are in order");
    after = field.span.end();
  }
  require(upstream_edits(*call, "other").empty(), "the body names no model");
  check_dialect(kAnthropicDialect, *body, "claude-sonnet-4-5");
  check_dialect(kBedrockDialect, *body, "anthropic.claude-3-7-sonnet-20250219-v1:0");
  check_dialect(kChatDialect, *body, "gpt");
  check_dialect(kGeminiDialect, *body, "gemini-3-pro-preview");
}

void check_answer(const std::string& body) {
  auto batch = decode_gemini_response(body);
  if (!batch) return;
  for (const Event& event : batch->events) {
    if (!event.span || event.kind == Event::Kind::logprobs) continue;
    require(event.span->end() <= batch->frame.size(), "a span lies in its frame");
    const std::string raw = batch->frame.substr(event.span->offset, event.span->length);
    require(event.text == (event.kind == Event::Kind::arguments ? raw : unescape_json(raw)),
            "a text lies where it says");
  }
  batch->frame.clear();
  for (const bool stream : {false, true}) {
    EncoderOptions options;
    options.stream = stream;
    const auto encoder = gemini_encoder(options);
    std::string out;
    encoder->write(*batch, {}, out);
    encoder->finish(out);
    if (!stream) require(nlohmann::json::accept(out), "a body is JSON");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  check_call(body);
  check_answer(*body);
  return 0;
}
