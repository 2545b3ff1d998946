#include "gateway/server/header_lines.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace tollgate::server {
namespace {

constexpr std::size_t kUsual = 384;

bool ends_line(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

}  // namespace

HeaderLines& HeaderLines::add(std::string_view name, std::string_view value) {
  if (text_.empty()) text_.reserve(kUsual);
  typed_ = typed_ || name == "content-type";
  text_.append(name).append(": ");
  const std::size_t begin = text_.size();
  text_.append(value);
  std::replace_if(text_.begin() + static_cast<std::ptrdiff_t>(begin), text_.end(), ends_line, '_');
  text_.append("\r\n");
  return *this;
}

HeaderLines& HeaderLines::add(std::string_view name, std::int64_t value) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  return add(name, std::string_view(std::begin(digits), static_cast<std::size_t>(end - std::begin(digits))));
}

}  // namespace tollgate::server
