#include "gateway/net/chunked.h"

#include <charconv>

#include "gateway/net/http1.h"
#include "gateway/net/http1_syntax.h"

namespace tollgate::net {
namespace {

constexpr int kMaxSizeDigits = 16;  // fills 64 bits; leading zeros count
constexpr std::uint32_t kMaxExtensionBytes = 256;
constexpr std::uint32_t kMaxDiscardedBytes = 8 * 1024;

}  // namespace

Error ChunkDecoder::error(Fault fault) {
  const auto malformed = [](std::string_view what) {
    return Error{ErrorKind::invalid_request, "The chunked body is malformed: " + std::string(what) + "."};
  };
  switch (fault) {
    case Fault::body_limit:
      return {ErrorKind::payload_too_large, "The request body is larger than the limit."};
    case Fault::discard_limit:
      return {ErrorKind::headers_too_large, "The chunk extensions and trailers are larger than the limit."};
    case Fault::size:
      return malformed("a chunk size is not a hexadecimal number");
    case Fault::digits:
      return malformed("a chunk size has too many digits");
    case Fault::extension:
      return malformed("a chunk extension is too long or has control characters");
    case Fault::trailer:
      return malformed("what follows the last chunk is not a trailer");
    case Fault::line_end:
    case Fault::none:
      break;
  }
  return malformed("a line or a chunk does not end where it must");
}

Result<std::size_t> ChunkDecoder::put(std::string_view bytes, std::string& out) {
  std::size_t at = 0;
  while (at < bytes.size() && state_ != State::done && state_ != State::failed) {
    if (state_ == State::data) {
      at += take_data(bytes.substr(at), out);
      continue;
    }
    fault_ = step(bytes[at]);
    if (fault_ != Fault::none) state_ = State::failed;
    ++at;
  }
  if (state_ == State::failed) return error(fault_);
  return at;
}

std::size_t ChunkDecoder::take_data(std::string_view bytes, std::string& out) {
  const auto part = bytes.substr(0, size_);
  out.append(part);
  size_ -= part.size();
  if (size_ == 0) state_ = State::data_cr;
  return part.size();
}

ChunkDecoder::Fault ChunkDecoder::step(char c) {
  switch (state_) {
    case State::size_start:
      size_ = 0;
      digits_ = 0;
      extension_ = 0;
      [[fallthrough]];
    case State::size:
      return step_size(c);
    case State::extension:
      return step_extension(c);
    case State::size_lf:
      return c == '\n' ? end_of_size() : Fault::line_end;
    case State::data_cr:
      return expect(c, '\r', State::data_lf);
    case State::data_lf:
      return expect(c, '\n', State::size_start);
    default:
      return step_trailer(c);
  }
}

ChunkDecoder::Fault ChunkDecoder::step_size(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (++digits_ > kMaxSizeDigits) return Fault::digits;
    size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
    state_ = State::size;
    return Fault::none;
  }
  if (state_ != State::size || (c != ';' && c != '\r')) return Fault::size;
  state_ = c == ';' ? State::extension : State::size_lf;
  return Fault::none;
}

ChunkDecoder::Fault ChunkDecoder::step_extension(char c) {
  if (c == '\r') return expect(c, '\r', State::size_lf);
  if (!is_field_char(c) || ++extension_ > kMaxExtensionBytes) return Fault::extension;
  return discard();
}

ChunkDecoder::Fault ChunkDecoder::end_of_size() {
  if (size_ > room_) return Fault::body_limit;
  room_ -= size_;
  state_ = size_ > 0 ? State::data : State::line_start;
  return Fault::none;
}

ChunkDecoder::Fault ChunkDecoder::step_trailer(char c) {
  if (keep_trailers_) trailers_.push_back(c);
  switch (state_) {
    case State::line_start:
      if (c == '\r') return expect(c, '\r', State::end_lf);
      if (!is_token_char(c)) return Fault::trailer;
      state_ = State::name;
      return discard();
    case State::name:
      if (c != ':' && !is_token_char(c)) return Fault::trailer;
      if (c == ':') state_ = State::value;
      return discard();
    case State::value:
      if (c == '\r') return expect(c, '\r', State::value_lf);
      return is_field_char(c) ? discard() : Fault::trailer;
    case State::value_lf:
      return expect(c, '\n', State::line_start);
    default:
      return expect(c, '\n', State::done);
  }
}

ChunkDecoder::Fault ChunkDecoder::expect(char c, char wanted, State next) {
  if (c != wanted) return Fault::line_end;
  state_ = next;
  return Fault::none;
}

std::string_view ChunkDecoder::trailer(std::string_view name) const {
  std::string_view rest = trailers_;
  while (done() && rest.size() > 2) {  // the last line is the blank one
    std::string_view fault;
    const auto field = read_field(take_line(rest), fault);
    if (field && iequals(field->name, name)) return field->value;
  }
  return {};
}

ChunkDecoder::Fault ChunkDecoder::discard() {
  return ++discarded_ <= kMaxDiscardedBytes ? Fault::none : Fault::discard_limit;
}

ChunkFrame::ChunkFrame(std::size_t size) {
  if (size == 0) return;
  const auto end = std::to_chars(line_.data(), line_.data() + line_.size() - 2, size, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  length_ = static_cast<std::size_t>(end - line_.data()) + 2;
}

}  // namespace tollgate::net
