// The way back to a client of the Responses API. The first byte says what the others are: events of a provider, a whole
// body, or what a translated answer says. What comes out is JSON, and what is written here is a good stream.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "providers/responses.h"
#include "providers/responses_encoder.h"
#include "tests/fuzz/require.h"
#include "tests/unit/providers/responses_stream.h"

using namespace tollgate::providers;

namespace {

EncoderOptions options(bool stream) {
  EncoderOptions out;
  out.stream = stream;
  out.id = "resp_1";
  out.model = "m";
  out.strip_logprobs = true;
  auto call = decode_responses_request(
      std::make_shared<const std::string>(R"({"model":"m","input":"x","tools":[{"type":"custom","name":"c"}]})"));
  require(call.ok());
  out.call = std::make_shared<const Call>(std::move(*call));
  return out;
}

bool is_json(std::string_view text) {
  try {
    (void)nlohmann::json::parse(text);
    return true;
  } catch (const nlohmann::json::out_of_range&) {  // a number that is JSON, but more than that parser can hold
    return true;
  } catch (const nlohmann::json::parse_error&) {
    return false;
  }
}

// Every text changed, as if something had been restored.
std::vector<bool> change(Batch& batch) {
  for (Event& event : batch.events) event.text += "\"\n";
  return std::vector<bool>(batch.events.size(), true);
}

void check_spans(const Batch& batch) {
  std::uint32_t end = 0;
  for (const Event& event : batch.events) {
    if (!event.span) continue;
    require(event.span->end() <= batch.frame.size(), "spans lie inside");
    end = std::max(end, event.span->end());
  }
}

// One event's data a line.
void events(std::string_view text) {
  ResponsesEncoder encoder(options(true));
  bool begun = false;  // nothing is held back before
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto batch = decode_responses_event("data: " + std::string(line) + "\n\n", line, 6);
    if (!batch) continue;
    check_spans(*batch);
    std::string out;
    if (std::exchange(begun, true)) encoder.write_text(0, 0, Event::Kind::text, "held", out);
    encoder.write(*batch, change(*batch), out);
    while (!out.empty()) {
      const auto end = out.find("\n\n");
      require(out.starts_with("data: ") && end != std::string::npos, "frames are whole");
      require(is_json(std::string_view(out).substr(6, end - 6)), "frames are JSON");
      out.erase(0, end + 2);
    }
  }
}

void body(std::string_view text) {
  auto batch = decode_responses_body(std::string(text));
  if (!batch) return;
  check_spans(*batch);
  const auto changed = change(*batch);
  ResponsesEncoder plain(options(false));
  std::string out;
  plain.write(*batch, changed, out);
  plain.finish(out);
  require(is_json(out), "a body is JSON");
  ResponsesEncoder stream(options(true));
  stream.write(*batch, changed, out);
  stream.finish(out);
}

// Each byte is an event: its kind, and a block or a choice.
void translated(std::string_view bytes) {
  ResponsesEncoder encoder(options(true));
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    Batch batch;
    Event& event = batch.events.emplace_back();
    event.kind = static_cast<Event::Kind>(byte % 14);
    event.block = (byte / 14) % 3;
    event.text = event.kind == Event::Kind::arguments ? (byte > 128 ? "{\"input\":" : "\"x\"}") : "c";
    event.id = "call_" + std::to_string(event.block);
    if (event.kind == Event::Kind::finish && byte > 128) event.text = "length";
    encoder.write(batch, {}, out);
  }
  if (bytes.size() % 5 == 0)
    encoder.fail({}, out);
  else
    encoder.finish(out);
  const std::string wrong = testing::what_is_wrong(out);
  if (!wrong.empty()) std::fprintf(stderr, "%s\n%s\n", wrong.c_str(), out.c_str());
  require(wrong.empty(), "a stream keeps the API's order");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'e':
      events(rest);
      break;
    case 'b':
      body(rest);
      break;
    default:
      translated(rest.substr(0, 256));
  }
  return 0;
}
