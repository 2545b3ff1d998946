// POST /v1/completions, request side (OpenAI API reference, completions/create).
#include <algorithm>
#include <array>
#include <utility>

#include "providers/canonical_reading.h"
#include "providers/completions.h"
#include "providers/json_writer.h"
#include "providers/request_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::int64_t kDefaultMaxTokens = 16;  // the API's own

class RequestWalk {
 public:
  RequestWalk(std::string_view body, bool model_elsewhere) : request_(body), model_elsewhere_(model_elsewhere) {}

  Result<CallIndex> run() {
    const auto take = [this](std::string_view key) { return member(key); };
    if (!request_.whole(take) || !request_.names_model(model_elsewhere_) || !complete()) return request_.why();
    if (!request_.index.max_tokens) request_.index.max_tokens = kDefaultMaxTokens;
    return std::move(request_.index);
  }

 private:
  bool member(std::string_view key) {
    if (key == "model") return request_.model();
    if (key == "prompt") return has_prompt_ = prompt();
    if (key == "suffix" || key == "user") return request_.optional_text(Role::other);
    if (key == "stop") return request_.all_texts(Role::other);
    if (key == "stream") return request_.boolean("stream", request_.index.stream);
    if (key == "stream_options") return request_.stream_options();
    if (key == "n") return request_.number_of_choices();
    if (key == "max_tokens") return request_.max_tokens("max_tokens");
    return request_.skip();
  }

  // A text, texts, or tokens, which no scanner reads.
  bool prompt() {
    JsonReader& json = request_.json;
    if (json.peek() == Kind::string) return request_.text();
    if (json.peek() != Kind::array) return request_.wrong_type("prompt", "a string or an array");
    return request_.elements([&] { return json.peek() == Kind::string ? request_.text() : request_.opaque(); });
  }

  bool complete() { return (has_prompt_ || request_.missing("prompt")) && request_.stream_options_apply(); }

  RequestReader request_;
  bool model_elsewhere_;
  bool has_prompt_ = false;
};

constexpr std::array<std::string_view, 9> kShared = {
    "temperature", "top_p", "n", "stop", "presence_penalty", "frequency_penalty", "seed", "user", "max_tokens"};
constexpr std::array<std::string_view, 3> kWithoutEffect = {"model", "stream", "stream_options"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Error not_in_a_chat(std::string param, std::string what) {
  return invalid_value(std::move(param), "This model only chats: " + what +
                                             " is not possible. Use /v1/chat/completions, or leave it out.");
}

// The one prompt, as it is in the body.
Status read_prompt(Reading& reading, std::string& prompt) {
  const auto one = [&]() -> Status {
    if (reading.in.peek() != Kind::string) return not_in_a_chat("prompt", "a prompt of tokens");
    if (!prompt.empty()) return not_in_a_chat("prompt", "more than one prompt");
    prompt = reading.in.view(reading.in.skip());
    return {};
  };
  return reading.in.peek() == Kind::array ? read_array(reading, "prompt", one) : one();
}

// What a chat has no place for; null and false ask for nothing.
Status refuse_if_asked(Reading& reading, const std::string& key) {
  const auto value = reading.in.view(reading.in.skip());
  const bool asked = value != "null" && value != "false" && value != "\"\"" && !(key == "best_of" && value == "1");
  if (asked) return not_in_a_chat(key, "'" + key + "'");
  return {};
}

}  // namespace

Result<Call> decode_completions_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<RequestWalk>(Api::completions, std::move(body), std::move(path_model));
}

// Written as a chat request and read as one: every parameter that both APIs have means the same. What else the body
// holds nobody has looked at, so it goes nowhere.
Result<CanonicalRequest> canonicalise_completions(std::string_view body) {
  Reading reading(body);
  std::string prompt;
  bool capped = false;
  JsonWriter chat;
  chat.begin_object();
  TG_CHECK(read_request(reading, [&](const std::string& key) -> Status {
    if (key == "prompt") return read_prompt(reading, prompt);
    if (key == "suffix" || key == "echo" || key == "best_of") return refuse_if_asked(reading, key);
    const auto value = reading.in.view(reading.in.skip());
    if (value == "null" || is_one_of(kWithoutEffect, key)) return {};
    capped = capped || key == "max_tokens";
    if (is_one_of(kShared, key))
      chat.raw(key, value);
    else
      note_lossy(reading.out.lossy, key);
    return {};
  }));
  if (!capped) chat.number("max_tokens", kDefaultMaxTokens);
  chat.raw("messages", R"([{"role":"user","content":)" + (prompt.empty() ? "\"\"" : prompt) + "}]");
  chat.end_object();
  TG_TRY(auto request, canonicalise(chat.take()));
  for (const std::string& field : reading.out.lossy) note_lossy(request.lossy, field);
  return request;
}

}  // namespace tollgate::providers
