#include "providers/sse.h"

#include <algorithm>
#include <iterator>

#include "providers/byte_scan.h"

namespace tollgate::providers {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::string& SseParser::input() {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    line_ -= begin_;
    scanned_ -= begin_;
    data_at_ -= data_lines_ > 0 ? begin_ : 0;
    begin_ = 0;
  }
  return buffer_;
}

Result<std::optional<SseFrame>> SseParser::next() { return take(false); }
Result<std::optional<SseFrame>> SseParser::last() { return take(true); }

Result<std::optional<SseFrame>> SseParser::take(bool at_end) {
  start_of_stream();
  while (true) {
    const Step done = step(at_end);
    if (scanned_ - begin_ > max_)
      return Error{.kind = ErrorKind::upstream_error,
                   .message = "The provider sent an event that is too long.",
                   .code = "upstream_event_too_long"};
    if (done == Step::more) return std::optional<SseFrame>();
    if (done == Step::line) continue;
    const SseFrame found = frame();
    reset(line_);
    if (!found.data.empty() || give_all_) return std::optional(found);
  }
}

// Strips a byte order mark once enough of the stream is there to tell.
void SseParser::start_of_stream() {
  if (started_) return;
  if (buffer_.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(buffer_)) return;
  started_ = true;
  if (buffer_.starts_with(kByteOrderMark)) reset(kByteOrderMark.size());
}

// Takes one line, if all of it is there. A CR at the end of what arrived may be half of a CRLF: it is judged with the
// byte after it, except where the frame's own line ends are CR alone (then waiting would hold every event back).
SseParser::Step SseParser::step(bool at_end) {
  if (!started_) return Step::more;
  skip_half_line_end();
  const std::size_t end = find_line_end(buffer_, scanned_);
  scanned_ = end;
  if (end == buffer_.size()) return Step::more;
  const bool empty = end == line_;
  const bool cr = buffer_[end] == '\r';
  std::size_t next = end + 1;
  if (cr && !(empty && style_ != LineEnd::other)) {
    if (next == buffer_.size() && !at_end) return Step::more;
    if (next < buffer_.size() && buffer_[next] == '\n') ++next;
  }
  if (style_ == LineEnd::unknown) style_ = cr && next == end + 1 ? LineEnd::cr : LineEnd::other;
  if (!empty) line(std::string_view(buffer_).substr(line_, end - line_));
  line_ = scanned_ = next;
  after_cr_ = cr && next == end + 1;
  return empty ? Step::frame : Step::line;
}

void SseParser::skip_half_line_end() {
  if (!after_cr_ || line_ == buffer_.size()) return;
  after_cr_ = false;
  if (buffer_[line_] != '\n') return;
  if (begin_ == line_) ++begin_;  // it belonged to the frame before, which has gone
  scanned_ = ++line_;
}

void SseParser::line(std::string_view text) {
  constexpr std::string_view kData = "data";
  if (!text.starts_with(kData)) return;
  std::string_view value = text.substr(kData.size());
  if (!value.empty()) {
    if (value.front() != ':') return;  // another field whose name begins alike
    value.remove_prefix(1);
    if (value.starts_with(' ')) value.remove_prefix(1);
  }
  if (++data_lines_ == 1) {
    data_at_ = static_cast<std::size_t>(value.data() - buffer_.data());
    data_length_ = value.size();
    return;
  }
  if (data_lines_ == 2) joined_.assign(buffer_, data_at_, data_length_);
  joined_ += '\n';
  joined_ += value;
}

SseFrame SseParser::frame() {
  const std::string_view all(buffer_);
  SseFrame out;
  out.raw = all.substr(begin_, line_ - begin_);
  if (data_lines_ == 0) return out;
  out.data = data_lines_ > 1 ? std::string_view(joined_) : all.substr(data_at_, data_length_);
  if (data_lines_ == 1) out.data_offset = data_at_ - begin_;
  return out;
}

void SseParser::reset(std::size_t begin) {
  begin_ = line_ = scanned_ = begin;
  style_ = LineEnd::unknown;
  data_lines_ = 0;
}

OneLineFrame on_one_line(std::string_view head, std::string_view data) {
  OneLineFrame out;
  out.bytes.append(head).append("data: ");
  out.data_offset = out.bytes.size();
  std::ranges::replace_copy(data, std::back_inserter(out.bytes), '\n', ' ');
  out.bytes += "\n\n";
  return out;
}

}  // namespace tollgate::providers
