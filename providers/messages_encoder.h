#pragma once
// The way back to a client of Anthropic's Messages API. Internal to providers/.
#include <memory>

#include "providers/front_end.h"

namespace tollgate::providers {

class MessagesEncoder final : public ClientEncoder {
 public:
  explicit MessagesEncoder(EncoderOptions options);
  ~MessagesEncoder() override;
  MessagesEncoder(MessagesEncoder&&) noexcept;

  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override;
  void write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text,
                  std::string& out) override;
  void finish(std::string& out) override;
  void fail(const Error& error, std::string& out) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Counts of tokens: {"input_tokens": N}, or what else the member is called in the API.
class CountEncoder final : public ClientEncoder {
 public:
  explicit CountEncoder(std::string_view member) : member_(member) {}
  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override;
  void write_text(std::uint32_t, std::uint32_t, Event::Kind, std::string_view, std::string&) override {}
  void finish(std::string& out) override;
  void fail(const Error&, std::string&) override {}  // never a stream

 private:
  std::string_view member_;
  std::int64_t tokens_ = 0;
  bool written_ = false;
};

}  // namespace tollgate::providers
