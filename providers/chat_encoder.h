#pragma once
// The way back to a client of OpenAI's chat API, or of one whose frames are alike. Internal to providers/.
#include <memory>

#include "providers/front_end.h"

namespace tollgate::providers {

class AnswerWriter;

class ChatEncoder final : public ClientEncoder {
 public:
  explicit ChatEncoder(EncoderOptions options);
  // `writer` writes what is in no provider's bytes.
  ChatEncoder(EncoderOptions options, std::unique_ptr<AnswerWriter> writer);
  ~ChatEncoder() override;
  ChatEncoder(ChatEncoder&&) noexcept;

  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override;
  void write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text,
                  std::string& out) override;
  void finish(std::string& out) override;
  void fail(const Error& error, std::string& out) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::providers
