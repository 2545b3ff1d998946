#pragma once
// multipart/form-data (RFC 7578, RFC 2046 §5.1) as it arrives: bytes in, parts out, no file kept. Strict: what two
// readers could take for two different forms is refused. Pure.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace tollgate::providers {

// What stands over a part. Names and file names are UTF-8 without control characters, quotes and backslashes, so that
// they mean the same to every reader; percent signs stay as they are.
struct FormPart {
  std::string name;
  std::optional<std::string> filename;  // there: the part is a file
  std::string content_type;             // empty: not said
};

// The boundary that a request's Content-Type names.
Result<std::string> form_boundary(std::string_view content_type);

// Limits: 128 parts, 16 header lines and 8 KiB of them over a part. Items and verdict are the same wherever the bytes
// are cut, but for how the data of a part is divided. After an error, every call is an error.
class FormReader {
 public:
  enum class Item : std::uint8_t {
    more,      // nothing until more has been appended to input()
    part,      // a part begins: part()
    data,      // a piece of its content, never empty: data()
    part_end,  // the part has ended
    end,       // the form has ended; nothing but a line end may follow
  };
  explicit FormReader(const std::string& boundary);

  // Append what arrived, then take items until `more`. Ends the life of data().
  std::string& input();
  Result<Item> next();
  // The bytes have ended. Error: in the middle of the form.
  Status finish();

  const FormPart& part() const { return part_; }
  std::string_view data() const { return data_; }

 private:
  enum class State : std::uint8_t { start, after_delimiter, head, content, closed, failed };
  Result<Item> step();
  Result<Item> start();
  Result<Item> after_delimiter();
  Result<Item> head();
  Result<Item> content();
  Result<Item> closed();
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }

  std::string delimiter_;  // CRLF, two hyphens, the boundary
  std::string buffer_;
  std::size_t at_ = 0;
  FormPart part_;
  std::string_view data_;
  std::size_t parts_ = 0;
  std::size_t after_end_ = 0;  // bytes of the line end that may follow the form
  State state_ = State::start;
};

// A part as we write it; its content and a CRLF follow.
void append_part_head(std::string& out, std::string_view boundary, const FormPart& part);
void append_form_end(std::string& out, std::string_view boundary);

}  // namespace tollgate::providers
