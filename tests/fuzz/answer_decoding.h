#pragma once
// What holds for every dialect's decoder: the same events wherever the bytes are cut, and nothing that breaks an
// encoder.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "providers/chat_encoder.h"
#include "providers/dialect.h"

namespace tollgate::providers::fuzz {

inline void require(bool good) {
  if (!good) std::abort();
}

using Seen = std::tuple<Event::Kind, std::uint32_t, std::uint32_t, std::string, std::string>;

struct Answer {
  std::vector<Seen> events;
  std::vector<Batch> batches;
  std::string error;
  friend bool operator==(const Answer& a, const Answer& b) { return a.events == b.events && a.error == b.error; }
};

// False once the decoder has nothing more to give.
inline bool take(Answer& out, Result<std::optional<Batch>> batch) {
  if (!batch) {
    out.error = batch.error().code + batch.error().message;
    return false;
  }
  if (!*batch) return false;
  require((*batch)->frame.empty());
  for (const Event& e : (*batch)->events) out.events.emplace_back(e.kind, e.choice, e.block, e.text, e.id);
  out.batches.push_back(std::move(**batch));
  return true;
}

inline Answer decode(const ProviderDialect& dialect, std::string_view type, std::string_view wire, std::size_t piece) {
  AnswerContext context;
  context.answer_tool = "structured_answer";
  context.tool_names = {{"a_b", "a.b"}};
  const auto decoder = dialect.decoder(context, type);
  Answer out;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    decoder->input() += wire.substr(at, piece);
    while (take(out, decoder->next())) {
    }
    if (!out.error.empty()) return out;
  }
  while (take(out, decoder->end())) {
  }
  return out;
}

// The first byte of the input says how the rest is cut.
inline void check(const ProviderDialect& dialect, std::string_view stream_type, std::string_view all) {
  if (all.empty()) return;
  const std::size_t piece = static_cast<unsigned char>(all.front()) % 13 + 1;
  const std::string_view wire = all.substr(1);
  const Answer whole = decode(dialect, stream_type, wire, wire.size() + 1);
  require(whole == decode(dialect, stream_type, wire, piece));
  const Answer body = decode(dialect, "application/json", wire, wire.size() + 1);
  for (const Answer* answer : {&whole, &body}) {
    ChatEncoder encoder({.stream = answer == &whole,
                         .include_usage = true,
                         .id = "id",
                         .created = 1,
                         .model = "m",
                         .strip_logprobs = false});
    std::string out;
    for (const Batch& batch : answer->batches) encoder.write(batch, {}, out);
    encoder.finish(out);
  }
  ErrorAnswer refusal;
  refusal.status = 400;
  refusal.body = wire;
  refusal.retry_after = wire.substr(0, 40);
  refusal.aws_error_type = wire.substr(0, 40);
  require(!encode_error_body(dialect.decode_error(refusal)).empty());
}

}  // namespace tollgate::providers::fuzz
