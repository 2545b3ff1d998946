#include "gateway/net/chunked.h"

#include <algorithm>

#include "gateway/net/http1_syntax.h"

namespace tollgate::net {
namespace {

constexpr int kMaxSizeDigits = 16;  // fills 64 bits; leading zeros count
constexpr std::uint32_t kMaxExtensionBytes = 256;
constexpr std::uint32_t kMaxDiscardedBytes = 8 * 1024;

Error malformed(std::string_view what) {
  return {ErrorKind::invalid_request, "The chunked body is malformed: " + std::string(what) + "."};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::size_t> ChunkDecoder::put(std::string_view bytes, std::string& out) {
  if (state_ == State::failed) return malformed("it was refused before");
  std::size_t at = 0;
  while (at < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      at += take_data(bytes.substr(at), out);
      continue;
    }
    auto status = step(bytes[at]);
    if (!status) {
      state_ = State::failed;
      return std::move(status).error();
    }
    ++at;
  }
  return at;
}

std::size_t ChunkDecoder::take_data(std::string_view bytes, std::string& out) {
  const auto part = bytes.substr(0, size_);
  out.append(part);
  size_ -= part.size();
  if (size_ == 0) state_ = State::data_cr;
  return part.size();
}

Status ChunkDecoder::step(char c) {
  switch (state_) {
    case State::size_start:
    case State::size:
      return step_size(c);
    case State::extension:
      return step_extension(c);
    case State::size_lf:
      TG_CHECK(expect(c, '\n', State::data));
      return end_of_size();
    case State::data_cr:
      return expect(c, '\r', State::data_lf);
    case State::data_lf:
      return expect(c, '\n', State::size_start);
    default:
      return step_trailer(c);
  }
}

Status ChunkDecoder::step_size(char c) {
  if (state_ == State::size_start) {
    size_ = 0;
    digits_ = 0;
    extension_ = 0;
  }
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++digits_ > kMaxSizeDigits) return malformed("a chunk size has too many digits");
    size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
    state_ = State::size;
    return {};
  }
  if (state_ == State::size && c == ';') {
    state_ = State::extension;
    return discard();
  }
  if (state_ == State::size && c == '\r') {
    state_ = State::size_lf;
    return {};
  }
  return malformed("a chunk size is not a hexadecimal number");
}

Status ChunkDecoder::step_extension(char c) {
  if (c == '\r') {
    state_ = State::size_lf;
    return {};
  }
  if (!is_field_char(c)) return malformed("a control character in a chunk extension");
  if (++extension_ > kMaxExtensionBytes) return malformed("a chunk extension is too long");
  return discard();
}

Status ChunkDecoder::end_of_size() {
  if (size_ > room_) return Error{ErrorKind::payload_too_large, "The request body is larger than the limit."};
  room_ -= size_;
  if (size_ == 0) state_ = State::line_start;
  return {};
}

Status ChunkDecoder::step_trailer(char c) {
  switch (state_) {
    case State::line_start:
      if (c == '\r') return expect(c, '\r', State::end_lf);
      if (!is_token_char(c)) return malformed("something other than a trailer follows the last chunk");
      state_ = State::name;
      return discard();
    case State::name:
      if (c != ':' && !is_token_char(c)) return malformed("a trailer has no valid name");
      if (c == ':') state_ = State::value;
      return discard();
    case State::value:
      if (c == '\r') return expect(c, '\r', State::value_lf);
      if (!is_field_char(c)) return malformed("a control character in a trailer");
      return discard();
    case State::value_lf:
      return expect(c, '\n', State::line_start);
    default:
      return expect(c, '\n', State::done);
  }
}

Status ChunkDecoder::expect(char c, char wanted, State next) {
  if (c != wanted) return malformed("a line or a chunk does not end where it must");
  state_ = next;
  return {};
}

Status ChunkDecoder::discard() {
  if (++discarded_ <= kMaxDiscardedBytes) return {};
  return Error{ErrorKind::headers_too_large, "The chunk extensions and trailers are larger than the limit."};
}

}  // namespace tollgate::net
