#pragma once
// The headers of an answer, as they go on the wire.
#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::server {

// Grows one string: pairs of strings cost some twenty allocations a call (measured). Names are ours; a value may hold
// what a caller or a provider named, so a byte that could end the line (RFC 9110 §5.5) becomes '_'.
class HeaderLines {
 public:
  HeaderLines& add(std::string_view name, std::string_view value);
  HeaderLines& add(std::string_view name, std::int64_t value);
  // "name: value\r\n" for each, in the order of adding.
  const std::string& text() const { return text_; }
  bool typed() const { return typed_; }  // content-type is among them

 private:
  std::string text_;
  bool typed_ = false;
};

}  // namespace tollgate::server
