// Chat completion chunks and bodies (OpenAI API reference, chat/completions/object and /streaming): what they say, and
// where. No tree is built; fields nobody here knows stay in the frame.
#include <utility>

#include "providers/chat_usage.h"
#include "providers/error_words.h"
#include "providers/event.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/sse.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Some servers send arguments as an object where the standard has a string: `edits` turn them into one.
struct Decoded {
  Batch batch;
  std::vector<Edit> edits;
};

Error garbage() {
  return Error{.kind = ErrorKind::upstream_error,
               .message = "The provider sent something that is not a chat completion.",
               .code = "upstream_garbage"};
}

class ChatWalk {
 public:
  ChatWalk(std::string_view json, std::uint32_t base) : reader_(json, base) {}

  Result<Decoded> run() {
    if (reader_.peek() != Kind::object) return garbage();
    reader_.enter_object();
    while (reader_.next_member()) member();
    if (!reader_.at_end()) return garbage();
    if (failed_) return fault_inside(std::move(error_));
    classify();
    return std::move(out_);
  }

  bool has_choices() const { return has_choices_; }

 private:
  // --- top level ---

  void member() {
    const auto key = reader_.key();
    if (key == "choices") return choices();
    if (key == "id") return token(out_.batch.id_value);
    if (key == "created") return token(out_.batch.created_value);
    if (key == "model") return model();
    if (key == "usage") return usage_member();
    if (key == "error") return error();
    if (key == "prompt_filter_results" || key == "prompt_annotations") annotated_ = true;
    if (key == "object") return object_name();
    if (key == "message" && reader_.peek() == Kind::string) return text(error_.message);
    if (key == "error_type" && reader_.peek() == Kind::string) return text(error_.type);  // TGI
    unread(known::kChat);
  }

  void skip() { reader_.skip(); }
  void unread(Names known = {}) { skip_member(reader_, known, out_.batch.unknown); }

  void token(std::optional<Span>& where) { where = reader_.skip(); }

  void text(std::string& out) { out = reader_.decode(reader_.string()); }

  void model() {
    if (reader_.peek() != Kind::string) return skip();
    const JsonString name = reader_.string();
    out_.batch.model_value = name.quoted();
    out_.batch.served_model = reader_.decode(name);
  }

  // {"object":"error","message":...}: vLLM before it wrapped errors like everybody else.
  void object_name() {
    if (reader_.peek() != Kind::string) return skip();
    const JsonString name = reader_.string();
    failed_ = failed_ || reader_.view(name.inside) == "error";
  }

  void error() {
    if (reader_.null()) return;
    failed_ = true;
    read_error(reader_, error_);
  }

  // --- usage ---

  void usage_member() {
    const std::uint32_t key_at = reader_.key_offset();
    const auto comma = reader_.comma_before();
    if (reader_.null()) {
      // With the comma before it, or as the first member with the one after it.
      const std::uint32_t begin = comma.value_or(key_at);
      const std::uint32_t end = comma ? reader_.offset() : reader_.after_comma();
      out_.batch.usage_member = Span{begin, end - begin};
      return;
    }
    if (reader_.peek() != Kind::object) return skip();
    usage_ = read_usage(reader_);
  }

  // --- choices ---

  void choices() {
    if (reader_.peek() != Kind::array) return unread();
    has_choices_ = true;
    reader_.enter_array();
    for (std::uint32_t position = 0; reader_.next_element(); ++position) {
      any_choice_ = true;
      choice(position);
    }
  }

  // `index` may come after the delta, so the events of a choice are numbered at its end.
  void choice(std::uint32_t position) {
    if (reader_.peek() != Kind::object) return skip();
    auto& events = out_.batch.events;
    const std::size_t first = events.size();
    std::uint32_t index = position;
    std::optional<std::string> finish;
    bool said_delta = false;
    reader_.enter_object();
    while (reader_.next_member()) {
      const auto key = reader_.key();
      if (key == "delta" || key == "message") {
        said_delta = true;
        delta();
      } else if (key == "text") {  // the older completions API has the text itself here
        said_delta = true;
        text_event(Event::Kind::text);
      } else if (key == "index") {
        index = small_number(position);
      } else if (key == "finish_reason" && reader_.peek() == Kind::string) {
        finish = finish_reason();
      } else if (key == "logprobs") {
        logprobs();
      } else {
        unread(known::kChatChoice);
      }
    }
    if (finish && !finish->empty()) add(Event::Kind::finish).text = *std::move(finish);
    if (events.size() == first) add(said_delta ? Event::Kind::start : Event::Kind::opaque);
    for (std::size_t i = first; i < events.size(); ++i) events[i].choice = index;
  }

  // TGI has words of its own for an end that OpenAI calls "stop"; routers say there that they failed. DeepSeek's
  // "insufficient_system_resource" passes: the usage beside it is billed.
  std::string finish_reason() {
    const JsonString string = reader_.string();
    std::string word = reader_.decode(string);
    if (word == "eos_token" || word == "stop_sequence") out_.edits.push_back({string.quoted(), "\"stop\""});
    failed_ = failed_ || word == "error";
    return word;
  }

  std::uint32_t small_number(std::uint32_t otherwise) {
    const std::int64_t value = read_count(reader_);
    return value < 0 || value > 0xFFFF ? otherwise : static_cast<std::uint32_t>(value);
  }

  Event& add(Event::Kind kind) {
    Event& event = out_.batch.events.emplace_back();
    event.kind = kind;
    return event;
  }

  void logprobs() {
    if (reader_.null()) return;
    const Span span = reader_.skip();
    add(Event::Kind::logprobs).span = span;
  }

  void delta() {
    if (reader_.peek() != Kind::object) return unread();
    reader_.enter_object();
    while (reader_.next_member()) {
      const auto key = reader_.key();
      if (key == "content")
        content();
      else if (key == "refusal")
        text_event(Event::Kind::refusal);
      else if (key == "reasoning_content" || key == "reasoning")  // DeepSeek and others; vLLM and others
        text_event(Event::Kind::reasoning);
      else if (key == "tool_calls")
        tool_calls();
      else if (key == "function_call")
        tool_call(0);
      else if (key == "audio" && reader_.peek() != Kind::null)
        opaque();
      else
        unread(known::kChatDelta);
    }
  }

  void opaque() {
    reader_.skip();
    add(Event::Kind::opaque);
  }

  // Empty strings are start-up noise, not text.
  void text_event(Event::Kind kind) {
    if (reader_.peek() != Kind::string) return unread();
    const JsonString string = reader_.string();
    if (string.inside.length == 0) return;
    Event& event = add(kind);
    event.text = reader_.decode(string);
    event.span = string.inside;
  }

  // Mistral: content as parts of {type:"text",text} and {type:"thinking",thinking:[{type:"text",text}]}.
  void content() {
    if (reader_.peek() != Kind::array) return text_event(Event::Kind::text);
    reader_.enter_array();
    while (reader_.next_element()) part();
  }

  void part() {
    std::string type = "text";
    walk_object(reader_, [&](std::string_view key) {
      if (key == "text")
        text_event(Event::Kind::text);
      else if (key == "thinking" && reader_.peek() == Kind::array)
        thinking();
      else if (key == "type")
        read_text(reader_, type);
      else
        reader_.skip();
    });
    note_unless(known::kChatPart, Unknown::What::block, type, out_.batch.unknown);
  }

  void thinking() {
    const std::size_t first = out_.batch.events.size();
    walk_objects(reader_,
                 [this](std::string_view key) { key == "text" ? text_event(Event::Kind::reasoning) : skip(); });
    if (out_.batch.events.size() == first) add(Event::Kind::opaque);
  }

  // --- tool calls ---

  void tool_calls() {
    if (reader_.peek() != Kind::array) return unread();
    reader_.enter_array();
    for (std::uint32_t position = 0; reader_.next_element(); ++position) tool_call(position);
  }

  // One fragment: {index, id, type, function:{name, arguments}} or custom:{name, input}; a legacy function_call has
  // name and arguments at this level.
  void tool_call(std::uint32_t position) {
    if (reader_.peek() != Kind::object) return skip();
    Event opening;
    opening.kind = Event::Kind::tool_call;
    opening.block = position;
    auto& events = out_.batch.events;
    const std::size_t first = events.size();
    reader_.enter_object();
    while (reader_.next_member()) {
      const auto key = reader_.key();
      if (key == "index")
        opening.block = small_number(position);
      else if (key == "id" && reader_.peek() == Kind::string)
        text(opening.id);
      else if (key == "function" || key == "custom")
        function(opening);
      else
        function_member(opening);
    }
    for (std::size_t i = first; i < events.size(); ++i) events[i].block = opening.block;
    // A continuation may repeat an empty name or id; only a real one opens the call.
    if (!opening.id.empty() || !opening.text.empty())
      events.insert(events.begin() + static_cast<std::ptrdiff_t>(first), std::move(opening));
  }

  void function(Event& opening) {
    if (reader_.peek() != Kind::object) return unread();
    reader_.enter_object();
    while (reader_.next_member()) function_member(opening);
  }

  void function_member(Event& opening) {
    const auto key = reader_.key();
    if (key == "name" && reader_.peek() == Kind::string) return text(opening.text);
    if (key != "arguments" && key != "input") return unread(known::kChatCall);
    if (reader_.peek() != Kind::object) return text_event(Event::Kind::arguments);
    const Span span = reader_.skip();
    if (!reader_.ok()) return;
    std::string quoted = "\"";
    append_json_escaped(quoted, reader_.view(span));
    out_.edits.push_back({span, quoted += '"'});
  }

  // --- what kind of frame it was ---

  void classify() {
    Batch& batch = out_.batch;
    batch.usage_only = has_choices_ && !any_choice_ && usage_ && !annotated_;
    if (usage_) add(Event::Kind::usage).usage = *usage_;
    if (batch.events.empty()) add(Event::Kind::opaque);
  }

  JsonReader reader_;
  Decoded out_;
  bool has_choices_ = false;
  bool any_choice_ = false;
  bool annotated_ = false;
  bool failed_ = false;
  std::optional<Usage> usage_;
  ProviderWords error_;
};

Result<Batch> decode(std::string frame, Span json, bool whole_body) {
  const auto text = [&] { return std::string_view(frame).substr(json.offset, json.length); };
  if (!valid_utf8(text())) return garbage();
  ChatWalk walk(text(), json.offset);
  TG_TRY(auto decoded, walk.run());
  if (whole_body && !walk.has_choices()) return garbage();
  if (!decoded.edits.empty()) {
    const std::size_t before = frame.size();
    frame = splice(frame, std::move(decoded.edits));
    json.length += static_cast<std::uint32_t>(frame.size() - before);
    return decode(std::move(frame), json, whole_body);  // once: strings need no such edit
  }
  decoded.batch.frame = std::move(frame);
  decoded.batch.whole_body = whole_body;
  return std::move(decoded.batch);
}

Batch done(std::string frame) {
  Batch batch;
  batch.frame = std::move(frame);
  batch.events.emplace_back().kind = Event::Kind::done;
  return batch;
}

bool is_done(std::string_view data) {
  const auto last = data.find_last_not_of(' ');
  return data.substr(0, last + 1) == "[DONE]";
}

}  // namespace

Result<Batch> decode_chat_event(std::string frame, std::string_view data, std::size_t data_offset) {
  if (data_offset == SseFrame::kNoOffset) {
    OneLineFrame one = on_one_line("", data);
    return decode_chat_event(std::move(one.bytes), data, one.data_offset);
  }
  const std::size_t length = data.size();  // `data` may be a view into the frame that has just been moved
  if (is_done(std::string_view(frame).substr(data_offset, length))) return done(std::move(frame));
  return decode(std::move(frame), {static_cast<std::uint32_t>(data_offset), static_cast<std::uint32_t>(length)}, false);
}

Result<Batch> decode_chat_response(std::string body) {
  const Span all{0, static_cast<std::uint32_t>(body.size())};
  TG_TRY(auto batch, decode(std::move(body), all, true));
  batch.events.emplace_back().kind = Event::Kind::done;
  return batch;
}

}  // namespace tollgate::providers
