// Events and bodies of the Responses API (OpenAI API reference, responses/streaming): what they say, and where. No tree
// is built. A `delta` is a piece of a text; every other string is whole, and most say again what came in pieces.
#include <algorithm>
#include <utility>

#include "providers/chat_usage.h"
#include "providers/error_words.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/responses.h"
#include "providers/sse.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Names, states and what only a provider or a program reads.
constexpr std::string_view kNoText[] = {
    "type",   "id",     "item_id", "call_id",           "role",   "status",     "name",
    "object", "format", "effort",  "encrypted_content", "result", "obfuscation"};

bool is_text_key(std::string_view key) {
  return std::find(std::begin(kNoText), std::end(kNoText), key) == std::end(kNoText);
}

// What the parts of an event say about it, in whatever order they come.
struct Facts {
  std::string type;
  std::string status;
  std::string incomplete_reason;
  std::optional<JsonString> delta;
  std::uint32_t output = 0;
  std::uint32_t part = 0;
  bool failed = false;
  bool has_output = false;
  ProviderWords error;
  std::optional<Usage> usage;
  // Of the item that an event is about.
  std::string item_type;
  std::string call_id;
  std::string call_name;
};

class ResponsesWalk {
 public:
  ResponsesWalk(std::string_view json, std::uint32_t base) : in_(json, base) {}

  Result<Batch> event() {
    walk_object(in_, [this](std::string_view key) { event_member(key); });
    if (!in_.at_end() || facts_.type.empty()) return upstream_garbage();
    const bool failure = facts_.type == "error" || facts_.type == "response.failed";
    if (failure || facts_.failed) return fault_inside(std::move(facts_.error));
    note_unless(known::kResponsesEvents, Unknown::What::event, facts_.type, batch_.unknown);
    if (!facts_.item_type.empty()) note_item(facts_.item_type);
    piece();
    if (facts_.type == "response.output_item.added") opened_call();
    end(facts_.type == "response.completed" || facts_.type == "response.incomplete");
    if (batch_.events.empty()) add(Event::Kind::start);
    return std::move(batch_);
  }

  Result<Batch> body() {
    whole_body_ = true;
    response();
    if (!in_.at_end()) return upstream_garbage();
    if (facts_.failed || facts_.status == "failed") return fault_inside(std::move(facts_.error));
    if (!facts_.has_output) return upstream_garbage();
    end(true);
    return std::move(batch_);
  }

 private:
  // --- walking ---

  void number(std::uint32_t& out) {
    out = static_cast<std::uint32_t>(std::clamp<std::int64_t>(read_count(in_), 0, 0xFFFF));
  }

  Event& add(Event::Kind kind) {
    Event& event = batch_.events.emplace_back();
    event.kind = kind;
    return event;
  }

  // --- an event ---

  void event_member(std::string_view key) {
    if (key == "type") return read_text(in_, facts_.type);
    if (key == "sequence_number") {
      batch_.sequence_value = in_.skip();
      return;
    }
    if (key == "output_index") return number(facts_.output);
    if (key == "content_index" || key == "summary_index") return number(facts_.part);
    if (key == "delta" && in_.peek() == Kind::string) {
      facts_.delta = in_.string();
      return;
    }
    if (key == "response") return response();
    if (key == "item") return item();
    if (key == "error") return error();
    if (key == "message")
      return read_text(in_, facts_.error.message);  // of an `error` event in its flat form, as `code`
    if (key == "code" && facts_.type == "error") return read_text(in_, facts_.error.code);
    texts(key);
  }

  void error() {
    if (in_.null()) return;
    facts_.failed = true;
    read_error(in_, facts_.error);
  }

  void item() {
    walk_object(in_, [this](std::string_view key) {
      if (key == "type") return read_text(in_, facts_.item_type);
      if (key == "call_id") return read_text(in_, facts_.call_id);
      if (key == "name") return read_text(in_, facts_.call_name);
      texts(key);
    });
  }

  void note_item(std::string_view type) {
    note_unless(known::kResponsesItems, Unknown::What::block, type, batch_.unknown);
  }

  // Every text of any value, whole. Recursive: the reader bounds the depth.
  void texts(std::string_view key) {
    const Kind kind = in_.peek();
    if (key == "logprobs" && kind == Kind::array) return logprobs();
    if (kind == Kind::object) return walk_object(in_, [this](std::string_view inner) { texts(inner); });
    if (kind == Kind::array) {
      const std::string name(key);
      in_.enter_array();
      while (in_.next_element()) texts(name);
      return;
    }
    if (kind != Kind::string || !is_text_key(key)) {
      in_.skip();
      return;
    }
    const auto of = key == "arguments" ? Event::Kind::arguments : Event::Kind::text;
    text(of, in_.string());
  }

  void text(Event::Kind kind, const JsonString& string) {
    if (string.inside.length == 0 || !in_.ok()) return;
    Event& event = add(kind);
    event.text = in_.decode(string);
    event.span = string.inside;
    event.repeats = !(whole_body_ && in_output_);
  }

  void logprobs() {
    const Span span = in_.skip();
    if (in_.view(span).find('{') != std::string_view::npos) add(Event::Kind::logprobs).span = span;
  }

  // --- a response object ---

  void response() {
    walk_object(in_, [this](std::string_view key) { response_member(key); });
  }

  void response_member(std::string_view key) {
    if (key == "id" && in_.peek() == Kind::string) {
      batch_.id_value = in_.string().quoted();
    } else if (key == "model" && in_.peek() == Kind::string) {
      const JsonString name = in_.string();
      batch_.model_value = name.quoted();
      batch_.served_model = in_.decode(name);
    } else if (key == "created_at") {
      batch_.created_value = in_.skip();
    } else if (key == "status") {
      read_text(in_, facts_.status);
    } else if (key == "error") {
      error();
    } else if (key == "incomplete_details") {
      walk_object(in_, [this](std::string_view inner) {
        inner == "reason" ? read_text(in_, facts_.incomplete_reason) : skip();
      });
    } else if (key == "usage") {
      usage();
    } else {
      in_output_ = key == "output";
      if (in_output_ && in_.peek() == Kind::array)
        output();
      else
        texts(key);
      in_output_ = false;
    }
  }

  void output() {
    facts_.has_output = true;
    in_.enter_array();
    while (in_.next_element()) in_.peek() == Kind::object ? output_item() : texts("output");
  }

  void output_item() {
    walk_object(in_, [this](std::string_view key) {
      if (key != "type" || in_.peek() != Kind::string) return texts(key);
      const JsonString type = in_.string();
      if (in_.ok()) note_item(in_.decode(type));
    });
  }

  void skip() { in_.skip(); }

  void usage() {
    if (in_.null()) return;
    if (in_.peek() == Kind::object)
      facts_.usage = read_usage(in_);
    else
      in_.skip();
  }

  // --- what the event is ---

  // Summaries and raw reasoning of one item have indices of their own.
  std::uint32_t block() const {
    const bool raw = facts_.type.starts_with("response.reasoning_text");
    return (facts_.output << 16) | (std::min(facts_.part, 0x7FFFU) << 1) | (raw ? 1U : 0U);
  }

  void piece() {
    const std::string_view type = facts_.type;
    if (!facts_.delta || !in_.ok()) return;
    if (type == "response.audio.delta") {
      add(Event::Kind::opaque);
      return;
    }
    auto kind = Event::Kind::text;  // a custom tool's input and a program are texts, too
    if (type.ends_with("_arguments.delta")) kind = Event::Kind::arguments;
    if (type == "response.refusal.delta") kind = Event::Kind::refusal;
    if (type.starts_with("response.reasoning")) kind = Event::Kind::reasoning;
    const std::size_t before = batch_.events.size();
    text(kind, *facts_.delta);
    if (batch_.events.size() == before) return;
    batch_.events.back().repeats = false;
    batch_.events.back().block = block();
  }

  void opened_call() {
    if (facts_.item_type != "function_call" && facts_.item_type != "custom_tool_call") return;
    Event& event = add(Event::Kind::tool_call);
    event.block = block();
    event.id = std::move(facts_.call_id);
    event.text = std::move(facts_.call_name);
  }

  void end(bool ended) {
    if (ended) {
      const std::string_view reason = facts_.incomplete_reason;
      add(Event::Kind::finish).text = reason == "max_output_tokens" ? "length" : reason.empty() ? "stop" : reason;
    }
    if (facts_.usage) add(Event::Kind::usage).usage = *facts_.usage;
    if (ended) add(Event::Kind::done);
  }

  JsonReader in_;
  Batch batch_;
  Facts facts_;
  bool whole_body_ = false;
  bool in_output_ = false;
};

}  // namespace

Result<Batch> decode_responses_event(std::string frame, std::string_view data, std::size_t data_offset) {
  if (data_offset == SseFrame::kNoOffset) {
    OneLineFrame one = on_one_line("", data);
    return decode_responses_event(std::move(one.bytes), data, one.data_offset);
  }
  const auto json = std::string_view(frame).substr(data_offset, data.size());
  if (!valid_utf8(json)) return upstream_garbage();
  TG_TRY(auto batch, ResponsesWalk(json, static_cast<std::uint32_t>(data_offset)).event());
  batch.frame = std::move(frame);
  return batch;
}

Result<Batch> decode_responses_body(std::string body) {
  if (!valid_utf8(body)) return upstream_garbage();
  TG_TRY(auto batch, ResponsesWalk(body, 0).body());
  batch.frame = std::move(body);
  batch.whole_body = true;
  return batch;
}

}  // namespace tollgate::providers
