// One message, big-endian: u32 total length | u32 headers length | u32 CRC of these 8 bytes | headers | payload |
// u32 CRC of everything before. A header: u8 length | name | u8 type | value (AWS SDK documentation, event streams).
#include "providers/event_stream.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "gateway/net/http1.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kPrelude = 12;
constexpr std::size_t kOverhead = 16;  // prelude and the last CRC
constexpr std::size_t kMaxHeaderCount = 64;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}
constexpr auto kTable = make_table();

std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Reads the headers' bytes from front to back; false once they are not what they should be.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view bytes) : rest_(bytes) {}

  bool run(EventMessage& out) {
    while (!rest_.empty()) {
      std::string_view name;
      if (!take_sized(1, name) || name.empty() || !fresh(name) || !value(name, out)) return false;
    }
    return true;
  }

 private:
  enum Type : unsigned char { kTrue, kFalse, kByte, kShort, kInteger, kLong, kBytes, kText, kTimestamp, kUuid };

  bool fresh(std::string_view name) {
    if (names_.size() == kMaxHeaderCount || std::find(names_.begin(), names_.end(), name) != names_.end()) return false;
    names_.push_back(name);
    return true;
  }

  bool take(std::size_t size, std::string_view& out) {
    if (rest_.size() < size) return false;
    out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  // Bytes after their length, which is a number of `width` bytes.
  bool take_sized(std::size_t width, std::string_view& out) {
    std::string_view length;
    return take(width, length) && take(number(length, 0, width), out);
  }

  bool value(std::string_view name, EventMessage& out) {
    static constexpr std::array<std::size_t, 10> kSizes = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
    std::string_view type;
    if (!take(1, type)) return false;
    const auto kind = static_cast<unsigned char>(type.front());
    if (kind > kUuid) return false;
    std::string_view bytes;
    if (kind != kBytes && kind != kText) return take(kSizes[kind], bytes);
    if (!take_sized(2, bytes)) return false;
    if (kind == kText) keep(name, bytes, out);
    return true;
  }

  static void keep(std::string_view name, std::string_view text, EventMessage& out) {
    static constexpr std::pair<std::string_view, std::string_view EventMessage::*> kFields[] = {
        {":message-type", &EventMessage::message_type},
        {":event-type", &EventMessage::event_type},
        {":exception-type", &EventMessage::exception_type},
        {":error-code", &EventMessage::error_code},
        {":error-message", &EventMessage::error_message}};
    for (const auto& [known, field] : kFields)
      if (name == known) out.*field = text;
  }

  std::string_view rest_;
  std::vector<std::string_view> names_;
};

void add_number(std::size_t value, std::size_t size, std::string& out) {
  for (std::size_t left = size; left > 0; --left) out += static_cast<char>(value >> (8 * (left - 1)) & 0xFF);
}

void add_text_header(std::string_view name, std::string_view text, std::string& out) {
  constexpr std::size_t kText = 7;
  add_number(name.size(), 1, out);
  out += name;
  add_number(kText, 1, out);
  add_number(text.size(), 2, out);
  out += text;
}

std::string assemble(std::string_view headers, std::string_view payload) {
  std::string out;
  out.reserve(kOverhead + headers.size() + payload.size());
  add_number(kOverhead + headers.size() + payload.size(), 4, out);
  add_number(headers.size(), 4, out);
  add_number(crc32(out), 4, out);
  out += headers;
  out += payload;
  add_number(crc32(out), 4, out);
  return out;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t value = 0xFFFFFFFFU;
  for (const char c : bytes) value = kTable[(value ^ static_cast<unsigned char>(c)) & 0xFF] ^ (value >> 8);
  return ~value;
}

std::string& EventStreamParser::input() {
  buffer_.erase(0, std::exchange(begin_, 0));
  return buffer_;
}

Result<std::optional<EventMessage>> EventStreamParser::next() {
  if (broken_) return upstream_garbage();
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (rest.size() < kPrelude) return std::optional<EventMessage>();
  broken_ = true;  // until the message has proven to be good
  if (crc32(rest.substr(0, 8)) != number(rest, 8, 4)) return upstream_garbage();
  const std::size_t total = number(rest, 0, 4);
  const std::size_t headers = number(rest, 4, 4);
  if (headers > kMaxHeaders || total < kOverhead + headers) return upstream_garbage();
  if (total > kMaxMessage) return upstream_too_long();
  broken_ = false;
  if (rest.size() < total) return std::optional<EventMessage>();
  const std::string_view message = rest.substr(0, total);
  EventMessage out;
  out.raw = message;
  out.payload = message.substr(kPrelude + headers, total - kOverhead - headers);
  broken_ = crc32(message.substr(0, total - 4)) != number(message, total - 4, 4) ||
            !HeaderReader(message.substr(kPrelude, headers)).run(out);
  if (broken_) return upstream_garbage();
  begin_ += total;
  return std::optional(out);
}

EventMessage read_event_message(std::string_view raw) {
  const std::size_t headers = number(raw, 4, 4);
  EventMessage out;
  out.raw = raw;
  out.payload = raw.substr(kPrelude + headers, raw.size() - kOverhead - headers);
  HeaderReader(raw.substr(kPrelude, headers)).run(out);
  return out;
}

std::string encode_event_message(std::string_view kind, std::string_view type, std::string_view payload) {
  std::string headers;
  add_text_header(":" + std::string(kind) + "-type", type, headers);
  add_text_header(":content-type", "application/json", headers);
  add_text_header(":message-type", kind, headers);
  return assemble(headers, payload);
}

std::string with_payload(std::string_view raw, std::string_view payload) {
  return assemble(raw.substr(kPrelude, number(raw, 4, 4)), payload);
}

bool is_aws_event_stream(std::string_view content_type) {
  return net::iequals(content_type.substr(0, kEventStream.size()), kEventStream);
}

}  // namespace tollgate::providers
