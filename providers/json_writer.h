#pragma once
// Writes compact JSON from top to bottom. Internal to providers/.
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "providers/call.h"

namespace tollgate::providers {

// The caller balances begin and end, and gives every member of an object a key.
class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name) {
    quoted(name);
    out_ += ':';
    comma_ = false;
  }

  void string(std::string_view text) { quoted(text); }
  // JSON text as it is.
  void raw(std::string_view json) {
    separate();
    out_ += json;
  }
  void number(std::int64_t value) { raw(std::to_string(value)); }
  void number(double value) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    raw({text.data(), static_cast<std::size_t>(end - text.data())});
  }
  void boolean(bool value) { raw(value ? "true" : "false"); }

  void begin_object(std::string_view name) {
    key(name);
    begin_object();
  }
  void begin_array(std::string_view name) {
    key(name);
    begin_array();
  }
  void string(std::string_view name, std::string_view text) {
    key(name);
    string(text);
  }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    raw(json);
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    boolean(value);
  }
  template <class Number>
  void number(std::string_view name, Number value) {
    key(name);
    number(value);
  }

  std::string take() { return std::move(out_); }

 private:
  void separate() {
    if (std::exchange(comma_, true)) out_ += ',';
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
  }
  void close(char bracket) {
    out_ += bracket;
    comma_ = true;
  }
  void quoted(std::string_view text) {
    separate();
    out_ += '"';
    append_json_escaped(out_, text);
    out_ += '"';
  }

  std::string out_;
  bool comma_ = false;  // a value stands before this place
};

}  // namespace tollgate::providers
