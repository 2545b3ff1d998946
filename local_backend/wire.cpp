#include "local_backend/wire.h"

namespace tollgate::local_backend::wire {
namespace {

struct Head {
  std::uint64_t kind = 0;
  std::uint64_t id = 0;
  std::uint64_t size = 0;
};

}  // namespace

std::string to_bytes(const Frame& frame) {
  const Head head{static_cast<std::uint64_t>(frame.kind), frame.id, frame.payload.size()};
  std::string out(sizeof head, '\0');
  std::memcpy(out.data(), &head, sizeof head);
  return out += frame.payload;
}

std::optional<Frame> FrameReader::next() {
  Head head;
  if (broken_ || buffer_.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, buffer_.data(), sizeof head);
  const auto first = static_cast<std::uint64_t>(Frame::Kind::load);
  const auto last = static_cast<std::uint64_t>(Frame::Kind::stats);
  broken_ = head.kind < first || head.kind > last || head.size > kMostPayload;
  if (broken_ || buffer_.size() - sizeof head < head.size) return std::nullopt;
  const auto size = static_cast<std::size_t>(head.size);
  Frame frame{static_cast<Frame::Kind>(head.kind), head.id, buffer_.substr(sizeof head, size)};
  buffer_.erase(0, sizeof head + size);
  return frame;
}

}  // namespace tollgate::local_backend::wire
