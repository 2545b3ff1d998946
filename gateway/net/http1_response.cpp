#include <algorithm>

#include "gateway/net/http1.h"
#include "gateway/net/http1_syntax.h"

namespace tollgate::net {
namespace {

constexpr std::string_view kCrlf = "\r\n";
constexpr int kMaxInformational = 10;
constexpr std::size_t kUsualFields = 16;
constexpr std::size_t kUsualHead = 512;

struct StatusLine {
  int status = 0;
  bool http_1_0 = false;
};

// HTTP-version SP 3DIGIT [ SP reason ] (RFC 9112 §4; some servers leave out the last space with the reason).
std::optional<StatusLine> read_status_line(std::string_view line) {
  const bool http_1_0 = line.starts_with("HTTP/1.0 ");
  if (!http_1_0 && !line.starts_with("HTTP/1.1 ")) return std::nullopt;
  line.remove_prefix(9);
  const auto digits = line.substr(0, 3);
  const auto status = read_length(digits);
  if (digits.size() != 3 || !status || *status < 100 || *status > 599) return std::nullopt;
  const auto reason = line.substr(3);
  if (!reason.empty() && reason.front() != ' ') return std::nullopt;
  if (!std::all_of(reason.begin(), reason.end(), is_field_char)) return std::nullopt;
  return StatusLine{static_cast<int>(*status), http_1_0};
}

bool bodyless(int status) { return status == 204 || status == 304; }

}  // namespace

Error ResponseReader::fail(std::string_view why) {
  state_ = State::failed;
  keep_alive_ = false;
  return {ErrorKind::upstream_error, "the provider's answer is malformed: " + std::string(why)};
}

Result<std::size_t> ResponseReader::put(std::string_view bytes, std::string& body) {
  anything_received_ = anything_received_ || !bytes.empty();
  std::size_t taken = 0;
  if (state_ == State::head) {
    TG_TRY(taken, take_head(bytes));
    bytes.remove_prefix(taken);
  }
  switch (state_) {
    case State::head:
      return taken;
    case State::length: {
      const auto part = bytes.substr(0, left_);
      body.append(part);
      left_ -= part.size();
      taken += part.size();
      bytes.remove_prefix(part.size());
      if (left_ == 0) state_ = State::done;
      break;
    }
    case State::chunks: {
      const auto took = chunks_.put(bytes, body);
      if (!took) return fail(took.error().message);
      taken += *took;
      bytes.remove_prefix(*took);
      if (chunks_.done()) state_ = State::done;
      break;
    }
    case State::until_close:
      body.append(bytes);
      return taken + bytes.size();
    case State::done:
      break;
    case State::failed:
      return fail("it was refused before");
  }
  // Nobody asked for more: whatever it is, it must not be taken for the next answer.
  if (state_ == State::done && !bytes.empty()) keep_alive_ = false;
  return taken;
}

Status ResponseReader::put_eof() {
  if (state_ == State::done) return {};
  if (state_ == State::until_close) {
    state_ = State::done;
    return {};
  }
  return fail(anything_received_ ? "it was cut short" : "the connection was closed before it began");
}

// Takes whole lines until the blank one.
Result<std::size_t> ResponseReader::take_head(std::string_view bytes) {
  std::size_t taken = 0;
  if (head_.empty()) head_.reserve(kUsualHead);
  while (state_ == State::head && taken < bytes.size()) {
    const auto rest = bytes.substr(taken);
    const auto end = rest.find('\n');
    const auto part = rest.substr(0, end == std::string_view::npos ? end : end + 1);
    if (head_.size() + part.size() > limits_.max_head_bytes) return fail("its head is too large");
    head_.append(part);
    taken += part.size();
    if (end == std::string_view::npos) break;
    if (!std::string_view(head_).substr(line_start_).ends_with(kCrlf)) return fail("a line ends without CR");
    const bool blank = head_.size() - line_start_ == kCrlf.size();
    line_start_ = head_.size();
    if (blank) TG_CHECK(finish_head());
  }
  return taken;
}

Status ResponseReader::finish_head() {
  std::string_view rest = head_;
  const auto line = read_status_line(take_line(rest));
  if (!line) return fail("it has no valid status line");
  TG_CHECK(read_fields(rest));
  status_ = line->status;
  http_1_0_ = line->http_1_0;
  if (status_ == 101) return fail("it switches to a protocol that nobody asked for");
  if (status_ >= 200) return frame_body();
  if (++informational_ > kMaxInformational) return fail("it has too many informational heads");
  head_.clear();
  line_start_ = 0;
  return {};
}

Status ResponseReader::read_fields(std::string_view lines) {
  const auto at = [this](std::string_view part) { return static_cast<std::uint32_t>(part.data() - head_.data()); };
  const auto size = [](std::string_view part) { return static_cast<std::uint32_t>(part.size()); };
  fields_.clear();
  fields_.reserve(kUsualFields);
  while (lines.size() > kCrlf.size()) {
    std::string_view fault;
    const auto field = read_field(take_line(lines), fault);
    if (!field) return fail(fault);
    fields_.push_back({at(field->name), size(field->name), at(field->value), size(field->value)});
  }
  return {};
}

// RFC 9112 §6.3 for a response, refusing what it lets a recipient repair.
Status ResponseReader::frame_body() {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool close = false;
  bool keep = false;
  for (const auto& field : fields_) {
    const auto name = this->name(field);
    const auto value = this->value(field);
    if (iequals(name, "content-length")) {
      if (length) return fail("it has more than one Content-Length");
      length = read_length(value);
      if (!length) return fail("its Content-Length is not a number");
    } else if (iequals(name, "transfer-encoding")) {
      if (chunked || http_1_0_ || !iequals(value, "chunked")) return fail("its Transfer-Encoding is not `chunked`");
      chunked = true;
    } else if (iequals(name, "connection")) {
      close = close || list_has(value, "close");
      keep = keep || list_has(value, "keep-alive");
    }
  }
  if (length && chunked) return fail("it has both Content-Length and Transfer-Encoding");
  keep_alive_ = !close && (!http_1_0_ || keep);
  if (bodyless(status_)) {
    // A 304 may name the length it would have had; a 204 with a body is a server that has lost its place.
    if (status_ == 204 && (chunked || length.value_or(0) > 0)) keep_alive_ = false;
    state_ = State::done;
  } else if (chunked) {
    state_ = State::chunks;
  } else if (length) {
    left_ = *length;
    state_ = left_ > 0 ? State::length : State::done;
  } else {
    keep_alive_ = false;
    state_ = State::until_close;
  }
  return {};
}

std::string_view ResponseReader::header(std::string_view name) const {
  for (const auto& field : fields_)
    if (iequals(this->name(field), name)) return value(field);
  return {};
}

}  // namespace tollgate::net
