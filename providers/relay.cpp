#include "providers/relay.h"

#include <array>
#include <utility>

#include "providers/chat_usage.h"
#include "providers/frame_edits.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/provider_fault.h"
#include "providers/request_reader.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Which members of a request hold what people wrote.
struct Shape {
  std::string_view needed;                  // beside the model
  std::array<std::string_view, 3> written;  // strings, however deep
};

constexpr Shape kModerations{"input", {"input"}};
constexpr Shape kRerank{"query", {"query", "documents"}};
constexpr Shape kImages{"prompt", {"prompt", "user"}};
constexpr Shape kSpeech{"input", {"input", "instructions"}};

template <const Shape& shape>
class RequestWalk {
 public:
  RequestWalk(std::string_view body, bool model_elsewhere) : request_(body), model_elsewhere_(model_elsewhere) {}

  Result<CallIndex> run() {
    const auto take = [this](std::string_view key) { return member(key); };
    const bool good = request_.whole(take) && request_.names_model(model_elsewhere_) &&
                      (has_needed_ || request_.missing(shape.needed));
    if (!good) return request_.why();
    request_.index.max_tokens = 0;  // nothing is reserved for an answer that is not made of tokens
    return std::move(request_.index);
  }

 private:
  bool member(std::string_view key) {
    if (key == "model") return request_.model();
    if (key == "stream" || key == "stream_format") return no_stream(std::string(key));
    has_needed_ = has_needed_ || key == shape.needed;
    for (const auto name : shape.written)
      if (key == name) return written();
    return request_.skip();
  }

  bool written() {
    const auto kind = request_.json.peek();
    if (kind == Kind::object || kind == Kind::array) return inside();
    return kind == Kind::string ? request_.text() : request_.skip();
  }

  // Texts in lists and in objects; a picture among them is what no scanner reads.
  bool inside() {
    JsonReader& json = request_.json;
    if (json.peek() == Kind::array) {
      json.enter_array();
      while (json.next_element())
        if (!written()) return false;
      return json.ok();
    }
    return request_.object("", [this](std::string_view key) {
      if (key == "type") return request_.skip();
      return key == "image_url" ? request_.opaque() : written();
    });
  }

  bool no_stream(const std::string& key) {
    JsonReader& json = request_.json;
    const auto value = json.view(json.skip());
    if (!json.ok() || value == "false" || value == "null" || value == "\"audio\"") return json.ok();
    return request_.refuse("unsupported_value", key,
                           "The gateway passes these answers on whole: leave '" + key + "' out.");
  }

  RequestReader request_;
  bool model_elsewhere_;
  bool has_needed_ = false;
};

class AnswerWalk {
 public:
  explicit AnswerWalk(const std::string& body) : reader_(body) {}

  bool run(Batch& batch) {
    if (reader_.peek() != Kind::object) return false;
    walk_object(reader_, [&](std::string_view key) {
      if (key == "duration")  // of the sound, in a verbose transcript; `usage`, which comes after it, wins
        usage_.audio_ms = read_milliseconds(reader_);
      else
        member(batch);
    });
    Event& told = batch.events.emplace_back();
    told.kind = Event::Kind::usage;
    told.usage = usage_;
    batch.events.emplace_back().kind = Event::Kind::done;
    return reader_.at_end();
  }

 private:
  // Of the member `name`. Recursive: the reader bounds the depth.
  void value(const std::string& name, Batch& batch) {
    const Kind kind = reader_.peek();
    if (kind == Kind::array) {
      reader_.enter_array();
      while (reader_.next_element()) value(name, batch);
    } else if (kind == Kind::object) {
      reader_.enter_object();
      while (reader_.next_member()) member(batch);
    } else if (kind == Kind::string && in_document_) {
      text(batch);
    } else if (kind == Kind::string) {
      reader_.skip();
      note_unknown(Unknown::What::member, name, batch.unknown);
    } else {
      reader_.skip();
    }
  }

  void text(Batch& batch) {
    const JsonString string = reader_.string();
    Event& event = batch.events.emplace_back();
    event.kind = Event::Kind::text;
    event.choice = texts_++;  // each is whole in itself
    event.text = reader_.decode(string);
    event.span = string.inside;
  }

  // What was ranked comes back as it was asked about: each text in it was scrubbed.
  bool holds_text(std::string_view key) const {
    return in_document_ || key == "text" || key == "revised_prompt" || key == "word" || key == "document";
  }

  void inner(std::string_view key, Batch& batch) {
    const bool outside = !in_document_;
    in_document_ = in_document_ || key == "document";
    value(std::string(key), batch);
    if (outside) in_document_ = false;
  }

  void member(Batch& batch) {
    const auto key = reader_.key();
    const Kind kind = reader_.peek();
    if (kind == Kind::string && holds_text(key)) {
      text(batch);
    } else if (key == "model" && kind == Kind::string) {
      batch.served_model = reader_.decode(reader_.string());
    } else if (key == "logprobs" && kind == Kind::array) {
      Event& event = batch.events.emplace_back();
      event.kind = Event::Kind::logprobs;
      event.span = reader_.skip();
    } else if (key == "usage" && kind == Kind::object) {
      const std::int64_t told_before = usage_.audio_ms;
      usage_ = read_relayed_usage(reader_);
      if (usage_.audio_ms == 0) usage_.audio_ms = told_before;
    } else if ((kind == Kind::object || kind == Kind::array) && !is_known(known::kRelayed, key)) {
      inner(key, batch);
    } else {
      skip_member(reader_, known::kRelayed, batch.unknown);
    }
  }

  JsonReader reader_;
  Usage usage_{.input = 0, .output = 0};
  std::uint32_t texts_ = 0;
  bool in_document_ = false;
};

class RelayEncoder final : public ClientEncoder {
 public:
  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override {
    write_relayed(batch, changed, out);
  }
  void write_text(std::uint32_t, std::uint32_t, Event::Kind, std::string_view, std::string&) override {}
  void finish(std::string&) override {}
  void fail(const Error&, std::string&) override {}
};

template <const Shape& shape>
Result<Call> decode(Api api, std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<RequestWalk<shape>>(api, std::move(body), std::move(path_model));
}

}  // namespace

Result<Call> decode_moderations_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode<kModerations>(Api::moderations, std::move(body), std::move(path_model));
}

Result<Call> decode_rerank_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode<kRerank>(Api::rerank, std::move(body), std::move(path_model));
}

Result<Call> decode_images_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode<kImages>(Api::images, std::move(body), std::move(path_model));
}

Result<Call> decode_speech_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode<kSpeech>(Api::speech, std::move(body), std::move(path_model));
}

Result<Batch> decode_relayed_json(std::string body) {
  Batch batch;
  if (!valid_utf8(body) || !AnswerWalk(body).run(batch)) return upstream_garbage();
  batch.frame = std::move(body);
  batch.whole_body = true;
  return batch;
}

Result<Batch> decode_kept_body(std::string body) {
  if (!valid_utf8(body) || !is_json_object(body)) return upstream_garbage();
  return decode_relayed_bytes(std::move(body));
}

Result<Batch> decode_relayed_bytes(std::string body) {
  Batch batch;
  batch.frame = std::move(body);
  batch.whole_body = true;
  Event& told = batch.events.emplace_back();
  told.kind = Event::Kind::usage;
  told.usage.input = 0;
  told.usage.output = 0;
  batch.events.emplace_back().kind = Event::Kind::done;
  return batch;
}

void write_relayed(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  std::vector<Edit> edits;
  const bool json = batch.content_type.empty();
  for (std::size_t i = 0; i < changed.size(); ++i) {
    const Event& event = batch.events[i];
    if (event.kind == Event::Kind::logprobs)
      edits.push_back({*event.span, "[]"});
    else if (changed[i] && event.span)
      edits.push_back(json ? text_edit(event) : Edit{*event.span, event.text});
  }
  append_frame(out, batch.frame, std::move(edits));
}

std::unique_ptr<ClientEncoder> relay_encoder(EncoderOptions /*options*/) { return std::make_unique<RelayEncoder>(); }

}  // namespace tollgate::providers
