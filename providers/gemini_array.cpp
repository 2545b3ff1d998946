// streamGenerateContent without alt=sse: the chunks of the stream as the elements of one JSON array, in pieces (Vertex
// AI REST reference, streamGenerateContent).
#include <limits>
#include <utility>

#include "providers/gemini_call.h"
#include "providers/sse.h"

namespace tollgate::providers {
namespace {

class GeminiArrayEncoder final : public ClientEncoder {
 public:
  explicit GeminiArrayEncoder(EncoderOptions options) : events_form_(gemini_encoder(std::move(options))) {}

  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override {
    events_form_->write(batch, changed, frames_.input());
    elements(out);
  }

  void write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text,
                  std::string& out) override {
    events_form_->write_text(choice, block, kind, text, frames_.input());
    elements(out);
  }

  void finish(std::string& out) override {
    events_form_->finish(frames_.input());
    close(out);
  }

  // The error is the last element.
  void fail(const Error& error, std::string& out) override {
    events_form_->fail(error, frames_.input());
    close(out);
  }

 private:
  void elements(std::string& out) {
    for (auto frame = frames_.next(); frame && *frame; frame = frames_.next()) element((*frame)->data, out);
  }

  void element(std::string_view json, std::string& out) {
    out += std::exchange(open_, true) ? ",\r\n" : "[";
    out += json;
  }

  void close(std::string& out) {
    elements(out);
    for (auto frame = frames_.last(); frame && *frame; frame = frames_.last()) element((*frame)->data, out);
    out += open_ ? "\n]" : "[]";
  }

  std::unique_ptr<ClientEncoder> events_form_;
  // What it writes has been bounded where it was read.
  SseParser frames_{std::numeric_limits<std::size_t>::max()};
  bool open_ = false;
};

}  // namespace

std::unique_ptr<ClientEncoder> gemini_array_encoder(EncoderOptions options) {
  return std::make_unique<GeminiArrayEncoder>(std::move(options));
}

}  // namespace tollgate::providers
