#include "providers/gemini_said.h"

#include <algorithm>
#include <utility>

#include "providers/chat_usage.h"
#include "providers/gemini.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::uint32_t kMaxCandidates = 16;

class SaidReader {
 public:
  explicit SaidReader(std::string_view json) : in_(json) {}

  std::optional<GeminiSaid> run() {
    if (in_.peek() == Kind::array) {
      in_.enter_array();
      while (in_.next_element()) object([this](std::string_view key) { member(key); });
    } else if (in_.peek() == Kind::object) {
      object([this](std::string_view key) { member(key); });
    } else {
      return std::nullopt;
    }
    if (!in_.at_end()) return std::nullopt;
    return std::move(said_);
  }

 private:
  void skip() { in_.skip(); }
  void unread(Names known = {}, Unknown::What what = Unknown::What::member) {
    skip_member(in_, known, said_.unknown, what);
  }
  void text(std::string& out) {
    if (in_.peek() != Kind::string) return unread();
    out = in_.decode(in_.string());
  }
  void flag(bool& out) {
    if (in_.peek() != Kind::boolean) return skip();
    out = in_.boolean();
  }
  template <class Member>
  void object(Member&& member) {
    if (in_.peek() != Kind::object) return skip();
    in_.enter_object();
    while (in_.next_member()) member(in_.key());
  }
  template <class Element>
  void array(Element&& element) {
    if (in_.peek() != Kind::array) return unread();
    in_.enter_array();
    while (in_.next_element()) element();
  }

  void member(std::string_view key) {
    if (key == "candidates") return array([this] { candidate(); });
    if (key == "promptFeedback")
      return object(
          [this](std::string_view inner) { return inner == "blockReason" ? text(said_.block_reason) : skip(); });
    if (key == "modelVersion") return text(said_.model);
    if (key == "usageMetadata") return usage();
    return key == "error" ? error() : unread(known::kGemini);
  }

  void candidate() {
    if (said_.candidates.size() == kMaxCandidates) return skip();
    GeminiCandidate& out = said_.candidates.emplace_back();
    object([&](std::string_view key) {
      if (key == "finishReason") return text(out.finish_reason);
      if (key == "content")
        return object([&](std::string_view inner) {
          return inner == "parts" ? array([&] { part(out.parts.emplace_back()); }) : unread(known::kGeminiContent);
        });
      if (key != "index") return unread(known::kGeminiCandidate);
      const auto index = read_count(in_);
      out.index = index < 0 || index >= kMaxCandidates ? 0 : static_cast<std::uint32_t>(index);
    });
  }

  void part(GeminiPart& out) {
    object([&](std::string_view key) {
      if (key == "text") return text(out.text);
      if (key == "thought") return flag(out.thought);
      if (key == "thoughtSignature") return text(out.signature);
      return key == "functionCall" ? call(out) : unread(known::kGeminiPart, Unknown::What::block);
    });
  }

  void call(GeminiPart& out) {
    out.call = true;
    object([&](std::string_view key) {
      if (key == "name") return text(out.name);
      if (key == "id") return text(out.id);
      if (key != "args" || in_.peek() != Kind::object) return unread();
      const Span span = in_.skip();
      out.args = in_.view(span);
    });
  }

  void usage() {
    if (in_.peek() != Kind::object) return skip();
    if (const auto usage = read_gemini_usage(in_)) said_.usage = usage;
  }

  void error() {
    GeminiFault& out = said_.error.emplace();
    object([&](std::string_view key) {
      if (key == "message") return text(out.message);
      if (key == "details")
        return array([&] {
          object([&](std::string_view inner) { return inner == "retryDelay" ? text(out.retry_delay) : skip(); });
        });
      if (key != "code") return skip();
      const auto code = read_count(in_);
      out.code = code >= 400 && code < 600 ? static_cast<int>(code) : 500;
    });
  }

  JsonReader in_;
  GeminiSaid said_;
};

}  // namespace

std::optional<GeminiSaid> read_gemini_said(std::string_view json) {
  return valid_utf8(json) ? SaidReader(json).run() : std::nullopt;
}

std::optional<Usage> read_gemini_usage(JsonReader& reader) {
  std::int64_t prompt = -1, tools = 0, candidates = 0, thoughts = 0, cached = 0, total = -1;
  const std::pair<std::string_view, std::int64_t*> fields[] = {
      {"promptTokenCount", &prompt},     {"toolUsePromptTokenCount", &tools},  {"candidatesTokenCount", &candidates},
      {"thoughtsTokenCount", &thoughts}, {"cachedContentTokenCount", &cached}, {"totalTokenCount", &total}};
  reader.enter_object();
  while (reader.next_member()) {
    const auto* field =
        std::find_if(std::begin(fields), std::end(fields), [&](auto& f) { return f.first == reader.key(); });
    if (field == std::end(fields))
      reader.skip();
    else
      *field->second = std::max<std::int64_t>(read_count(reader), 0);
  }
  if (prompt < 0) return std::nullopt;
  Usage out;
  out.input = prompt + tools;
  out.output = out.input + candidates == total ? candidates : candidates + thoughts;
  out.cached_input = std::min(cached, out.input);
  out.reasoning = std::min(thoughts, out.output);
  return out;
}

}  // namespace tollgate::providers
