#include "providers/multipart.h"

#include <algorithm>

#include "gateway/net/http1.h"
#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxParts = 128;
constexpr std::size_t kMaxHead = 8 * 1024;
constexpr std::size_t kMaxHeadLines = 16;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxFilename = 1024;
constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 §5.1.1
constexpr auto kBoundaryChars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=?"sv;

Error refuse(std::string message) {
  return Error{.kind = ErrorKind::invalid_request,
               .message = "The multipart/form-data body cannot be read: " + std::move(message),
               .code = "invalid_multipart",
               .retryable = false};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

struct Parameter {
  std::string_view name;
  std::string_view value;
};

// Takes `; name=value` or `; name="value"` from the front of `rest`. Readers differ in what a backslash or a quote
// inside quotes means, so neither may stand there (browsers and SDKs write %22).
Result<Parameter> take_parameter(std::string_view& rest) {
  if (!rest.starts_with(';')) return refuse("a parameter of a header does not begin with ';'.");
  rest = trim(rest.substr(1));
  const auto equals = rest.find('=');
  if (equals == rest.npos || equals == 0) return refuse("a parameter of a header has no value.");
  Parameter out;
  out.name = rest.substr(0, equals);
  rest.remove_prefix(equals + 1);
  const bool quoted = rest.starts_with('"');
  if (quoted) rest.remove_prefix(1);
  const auto end = std::min(quoted ? rest.find('"') : rest.find(';'), rest.size());
  if (quoted && end == rest.size()) return refuse("a quoted value of a header does not end.");
  out.value = quoted ? rest.substr(0, end) : trim(rest.substr(0, end));
  rest = trim(rest.substr(end + (quoted ? 1 : 0)));
  if (out.value.find_first_of("\\\"") != out.value.npos)
    return refuse("names may hold neither quotes nor backslashes: write %22 and %5C.");
  return out;
}

Status set_once(std::optional<std::string>& field, std::string_view value, std::string_view what, std::size_t most) {
  if (field) return refuse(std::string(what) + " stands twice over one part.");
  if (value.size() > most) return refuse(std::string(what) + " is too long.");
  field = std::string(value);
  return {};
}

struct HeadLines {
  std::optional<std::string> disposition;
  std::optional<std::string> content_type;
};

Status take_line(std::string_view line, HeadLines& out) {
  const auto colon = line.find(':');
  if (colon == line.npos || colon == 0) return refuse("a header of a part has no ':'.");
  const auto name = line.substr(0, colon);
  if (name.find_first_of(" \t") != name.npos) return refuse("a header of a part has a blank in its name.");
  const auto value = trim(line.substr(colon + 1));
  if (net::iequals(name, "content-disposition"))
    return set_once(out.disposition, value, "Content-Disposition", kMaxHead);
  if (net::iequals(name, "content-type")) return set_once(out.content_type, value, "Content-Type", kMaxName);
  // RFC 7578 §4.7: deprecated; a coded part would not be read by us as it is by the provider.
  const bool coded = net::iequals(name, "content-transfer-encoding") && !net::iequals(value, "binary") &&
                     !net::iequals(value, "8bit") && !net::iequals(value, "7bit");
  if (coded) return refuse("Content-Transfer-Encoding is not supported: send the bytes as they are.");
  return {};
}

Result<HeadLines> read_lines(std::string_view head) {
  HeadLines out;
  std::size_t count = 0;
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end == head.npos ? head.size() : end + 2);
    if (++count > kMaxHeadLines) return refuse("a part has too many headers.");
    if (std::ranges::any_of(line, is_control)) return refuse("a header of a part holds a control character.");
    TG_CHECK(take_line(line, out));
  }
  return out;
}

// RFC 7578 §4.2. `filename*` is not for forms; some clients send it beside `filename`, which then counts.
Result<FormPart> read_disposition(std::string_view value) {
  constexpr auto kType = "form-data"sv;
  if (!net::iequals(value.substr(0, kType.size()), kType))
    return refuse("every part needs Content-Disposition: form-data.");
  std::string_view rest = trim(value.substr(kType.size()));
  std::optional<std::string> name;
  bool extended = false;
  FormPart part;
  while (!rest.empty()) {
    TG_TRY(const Parameter parameter, take_parameter(rest));
    if (net::iequals(parameter.name, "name")) TG_CHECK(set_once(name, parameter.value, "a name", kMaxName));
    if (net::iequals(parameter.name, "filename"))
      TG_CHECK(set_once(part.filename, parameter.value, "a file name", kMaxFilename));
    extended = extended || net::iequals(parameter.name, "filename*");
  }
  if (!name || name->empty()) return refuse("a part has no name.");
  if (extended && !part.filename) return refuse("a file's name belongs into filename, not filename*.");
  if (!valid_utf8(*name) || (part.filename && !valid_utf8(*part.filename))) return refuse("a name is not UTF-8.");
  part.name = *std::move(name);
  return part;
}

Result<FormPart> read_head(std::string_view head) {
  TG_TRY(HeadLines lines, read_lines(head));
  if (!lines.disposition) return refuse("every part needs Content-Disposition: form-data.");
  TG_TRY(FormPart part, read_disposition(*lines.disposition));
  if (lines.content_type) part.content_type = *std::move(lines.content_type);
  return part;
}

}  // namespace

Result<std::string> form_boundary(std::string_view content_type) {
  constexpr auto kType = "multipart/form-data"sv;
  const auto semicolon = std::min(content_type.find(';'), content_type.size());
  if (!net::iequals(trim(content_type.substr(0, semicolon)), kType))
    return Error{.kind = ErrorKind::unsupported_media_type,
                 .message = "This URL takes a form with a file: send Content-Type: multipart/form-data.",
                 .code = "unsupported_content_type",
                 .retryable = false};
  std::string_view rest = trim(content_type.substr(semicolon));
  std::optional<std::string> boundary;
  while (!rest.empty()) {
    TG_TRY(const Parameter parameter, take_parameter(rest));
    if (net::iequals(parameter.name, "boundary"))
      TG_CHECK(set_once(boundary, parameter.value, "the boundary", kMaxBoundary));
  }
  const bool valid = boundary && !boundary->empty() && boundary->find_first_not_of(kBoundaryChars) == boundary->npos;
  if (!valid) return refuse("its Content-Type names no valid boundary.");
  return *std::move(boundary);
}

FormReader::FormReader(const std::string& boundary) : delimiter_("\r\n--" + boundary) {}

std::string& FormReader::input() {
  buffer_.erase(0, at_);
  at_ = 0;
  data_ = {};
  return buffer_;
}

Result<FormReader::Item> FormReader::next() {
  auto item = step();
  if (!item) state_ = State::failed;
  return item;
}

Result<FormReader::Item> FormReader::step() {
  switch (state_) {
    case State::start:
      return start();
    case State::after_delimiter:
      return after_delimiter();
    case State::head:
      return head();
    case State::content:
      return content();
    case State::closed:
      return closed();
    case State::failed:
      break;
  }
  return refuse("it was refused before.");
}

// The first delimiter lacks its line end, since nothing stands before it.
Result<FormReader::Item> FormReader::start() {
  const auto wanted = std::string_view(delimiter_).substr(2);
  const auto there = rest().substr(0, wanted.size());
  if (!wanted.starts_with(there)) return refuse("it does not begin with the boundary that its Content-Type names.");
  if (there.size() < wanted.size()) return Item::more;
  at_ += wanted.size();
  state_ = State::after_delimiter;
  return step();
}

Result<FormReader::Item> FormReader::after_delimiter() {
  const auto there = rest().substr(0, 2);
  if (!"\r\n"sv.starts_with(there) && !"--"sv.starts_with(there))
    return refuse("a boundary is followed by something other than a line end.");
  if (there.size() < 2) return Item::more;
  at_ += 2;
  if (there == "--") {
    state_ = State::closed;
    return Item::end;
  }
  if (++parts_ > kMaxParts) return refuse("it has too many parts.");
  state_ = State::head;
  return step();
}

Result<FormReader::Item> FormReader::head() {
  const auto bytes = rest().substr(0, kMaxHead);
  const auto end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) {
    if (bytes.size() == kMaxHead) return refuse("the headers of a part are too long.");
    return Item::more;
  }
  TG_TRY(part_, read_head(bytes.substr(0, end)));
  at_ += end + 4;
  state_ = State::content;
  return Item::part;
}

// Everything that cannot be the beginning of the delimiter is content.
Result<FormReader::Item> FormReader::content() {
  const auto bytes = rest();
  const auto found = bytes.find(delimiter_);
  if (found == 0) {
    at_ += delimiter_.size();
    state_ = State::after_delimiter;
    return Item::part_end;
  }
  const std::size_t kept = delimiter_.size() - 1;
  const std::size_t certain = found != bytes.npos ? found : bytes.size() - std::min(kept, bytes.size());
  if (certain == 0) return Item::more;
  data_ = bytes.substr(0, certain);
  at_ += certain;
  return Item::data;
}

Result<FormReader::Item> FormReader::closed() {
  constexpr auto kLineEnd = "\r\n"sv;
  const auto there = rest();
  if (!kLineEnd.substr(after_end_).starts_with(there)) return refuse("something follows its last boundary.");
  after_end_ += there.size();
  at_ += there.size();
  return Item::more;
}

Status FormReader::finish() {
  const bool whole = state_ == State::closed && rest().empty() && after_end_ != 1;
  if (whole) return {};
  return refuse("it ends before its last boundary.");
}

void append_part_head(std::string& out, std::string_view boundary, const FormPart& part) {
  out.append("--")
      .append(boundary)
      .append("\r\nContent-Disposition: form-data; name=\"")
      .append(part.name)
      .append("\"");
  if (part.filename) out.append("; filename=\"").append(*part.filename).append("\"");
  if (!part.content_type.empty()) out.append("\r\nContent-Type: ").append(part.content_type);
  out.append("\r\n\r\n");
}

void append_form_end(std::string& out, std::string_view boundary) {
  out.append("--").append(boundary).append("--\r\n");
}

}  // namespace tollgate::providers
