#pragma once
// The way back to a client of OpenAI's Responses API. Internal to providers/.
#include <memory>

#include "providers/front_end.h"

namespace tollgate::providers {

class ResponsesEncoder final : public ClientEncoder {
 public:
  explicit ResponsesEncoder(const EncoderOptions& options);
  ~ResponsesEncoder() override;
  ResponsesEncoder(ResponsesEncoder&&) noexcept;

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
