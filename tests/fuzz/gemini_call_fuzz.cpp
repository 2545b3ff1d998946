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
#include "tests/fuzz/request_checks.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void check_call(const std::shared_ptr<const std::string>& body) {
  const auto call = decode_gemini_call(body, "m");
  if (!call) return;
  fuzz::check_texts(*call, *body);
  require(upstream_edits(*call, "other").empty(), "the body names no model");
  fuzz::check_dialects([&] { return canonicalise_gemini(*body); });
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
