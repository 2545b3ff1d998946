#include "providers/batch_lines.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "providers/chat_usage.h"
#include "providers/chat_writer.h"
#include "providers/front_end.h"
#include "providers/request_reader.h"

namespace tollgate::providers {
namespace {

struct BatchEndpoint {
  std::string_view url;  // after "/v1", which Azure OpenAI's lines leave out
  Api api;
};
constexpr std::array kEndpoints = {
    BatchEndpoint{"/chat/completions", Api::chat}, BatchEndpoint{"/responses", Api::responses},
    BatchEndpoint{"/embeddings", Api::embeddings}, BatchEndpoint{"/completions", Api::completions},
    BatchEndpoint{"/moderations", Api::moderations}};

std::optional<Api> api_of(std::string_view url) {
  if (url.starts_with("/v1/")) url.remove_prefix(3);
  const auto* const at = std::ranges::find(kEndpoints, url, &BatchEndpoint::url);
  return at == kEndpoints.end() ? std::nullopt : std::optional(at->api);
}

class LineWalk {
 public:
  explicit LineWalk(std::string_view line) : line_(line), in_(line) {}

  Result<BatchLine> run() {
    const auto take = [this](std::string_view key) { return member(key); };
    const bool good = in_.whole(take) && (!out_.custom_id.empty() || in_.missing("custom_id")) &&
                      (!out_.url.empty() || in_.missing("url")) && (body_.length > 0 || in_.missing("body"));
    if (!good) return in_.why();
    TG_TRY(out_.call, call());
    return std::move(out_);
  }

 private:
  bool member(std::string_view key) {
    if (key == "custom_id") return name("custom_id", out_.custom_id);
    if (key == "url") return name("url", out_.url);
    if (key == "method") return method();
    if (key == "body") return body();
    return in_.refuse("unknown_parameter", std::string(key),
                      "A line has 'custom_id', 'method', 'url' and 'body', and nothing else.");
  }

  bool name(std::string_view key, std::string& out) {
    if (in_.json.peek() != JsonReader::Kind::string) return in_.wrong_type(key, "a string");
    out = in_.json.decode(in_.json.string());
    return in_.json.ok();
  }

  bool method() {
    std::string word;
    if (!name("method", word)) return false;
    return word == "POST" || in_.refuse("invalid_value", "method", "'method' must be POST.");
  }

  bool body() {
    if (in_.json.peek() != JsonReader::Kind::object) return in_.wrong_type("body", "an object");
    body_ = in_.json.skip();
    return in_.json.ok();
  }

  Result<Call> call() {
    const auto api = api_of(out_.url);
    if (!api)
      return invalid_value("url",
                           "'url' must be /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/completions or "
                           "/v1/moderations.");
    auto bytes = std::make_shared<const std::string>(line_.substr(body_.offset, body_.length));
    TG_TRY(Call call, front_end(*api).decode(std::move(bytes), {}));
    if (call.index.stream) return invalid_value("body.stream", "A batch streams no answers.", "unsupported_value");
    return call;
  }

  std::string_view line_;
  RequestReader in_;
  BatchLine out_;
  Span body_;
};

// {"response":{"body":{"model","usage"}}}; a call that failed has no usage.
struct OutputLine {
  std::string model;
  Usage usage;

  explicit OutputLine(JsonReader& reader) {
    walk_object(reader, [&](std::string_view key) { key == "response" ? response(reader) : void(reader.skip()); });
  }

 private:
  void response(JsonReader& reader) {
    walk_object(reader, [&](std::string_view key) { key == "body" ? body(reader) : void(reader.skip()); });
  }
  void body(JsonReader& reader) {
    walk_object(reader, [&](std::string_view key) {
      if (key == "model")
        read_text(reader, model);
      else if (key == "usage" && reader.peek() == JsonReader::Kind::object)
        usage = read_usage(reader);
      else
        reader.skip();
    });
  }
};

}  // namespace

Result<BatchLine> read_batch_line(std::string_view line) {
  TG_CHECK(readable(line));
  return LineWalk(line).run();
}

std::string write_batch_line(const BatchLine& line, std::string_view body) {
  std::string out = R"({"custom_id":)";
  append_json_string(out, line.custom_id);
  out += R"(,"method":"POST","url":)";
  append_json_string(out, line.url);
  out.append(R"(,"body":)").append(body);
  return out += '}';
}

void BatchUsage::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    too_long_ = too_long_ || line_.size() + piece.size() > kMaxBatchLine;
    if (!too_long_) line_ += piece;
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void BatchUsage::end_line() {
  complete_ = complete_ && !too_long_;
  if (!too_long_ && !line_.empty()) {
    JsonReader reader(line_);
    OutputLine read(reader);
    if (reader.ok()) add(std::move(read.model), read.usage);
  }
  too_long_ = false;
  line_.clear();
}

void BatchUsage::add(std::string model, const Usage& usage) {
  if (usage.input < 0) return;
  if (total_.model.empty()) total_.model = std::move(model);
  total_.usage.input += usage.input;
  total_.usage.output += std::max<std::int64_t>(usage.output, 0);
  total_.usage.cached_input += usage.cached_input;
  total_.usage.cache_write += usage.cache_write;
  total_.usage.reasoning += usage.reasoning;
}

}  // namespace tollgate::providers
