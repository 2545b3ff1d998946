// JSON string contents: unescaping, escaping, and offsets between the two (RFC 8259 §7).
#include <cstring>

#include "providers/byte_scan.h"
#include "providers/call.h"

namespace tollgate::providers {
namespace {

// What one escape stands for: how many bytes it takes in the raw string, and the UTF-8 it produces.
struct Unescaped {
  std::size_t raw_length;
  char bytes[4];
  std::size_t length;
};

unsigned hex4(std::string_view raw, std::size_t at) {
  unsigned value = 0;
  for (std::size_t i = at; i < at + 4 && i < raw.size(); ++i) {
    const char c = raw[i];
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = value * 16 + static_cast<unsigned>(digit & 0xF);
  }
  return value;
}

void put_utf8(Unescaped& out, unsigned code) {
  const auto byte = [](unsigned value) { return static_cast<char>(static_cast<unsigned char>(value)); };
  if (code < 0x80) {
    out.bytes[0] = byte(code);
    out.length = 1;
  } else if (code < 0x800) {
    out.bytes[0] = byte(0xC0 | (code >> 6));
    out.bytes[1] = byte(0x80 | (code & 0x3F));
    out.length = 2;
  } else if (code < 0x10000) {
    out.bytes[0] = byte(0xE0 | (code >> 12));
    out.bytes[1] = byte(0x80 | ((code >> 6) & 0x3F));
    out.bytes[2] = byte(0x80 | (code & 0x3F));
    out.length = 3;
  } else {
    out.bytes[0] = byte(0xF0 | (code >> 18));
    out.bytes[1] = byte(0x80 | ((code >> 12) & 0x3F));
    out.bytes[2] = byte(0x80 | ((code >> 6) & 0x3F));
    out.bytes[3] = byte(0x80 | (code & 0x3F));
    out.length = 4;
  }
}

char short_escape(char kind) {
  switch (kind) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return kind;
  }
}

// REQUIRES: raw[at] is a backslash of a validated string, so a byte follows it.
Unescaped unescape_at(std::string_view raw, std::size_t at) {
  Unescaped out{2, {}, 1};
  const char kind = at + 1 < raw.size() ? raw[at + 1] : '\\';
  if (kind != 'u') {
    out.bytes[0] = short_escape(kind);
    return out;
  }
  unsigned code = hex4(raw, at + 2);
  out.raw_length = 6;
  if (code >= 0xD800 && code < 0xDC00) {
    const unsigned low = hex4(raw, at + 8);
    code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
    out.raw_length = 12;
  }
  put_utf8(out, code);
  return out;
}

void append_escape(std::string& out, char c) {
  static constexpr std::string_view kShort = "\b\t\n\f\r\"\\";
  static constexpr std::string_view kLetters = "btnfr\"\\";
  out += '\\';
  if (const auto at = kShort.find(c); at != std::string_view::npos) {
    out += kLetters[at];
    return;
  }
  static constexpr std::string_view kHex = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(c);
  out += "u00";
  out += kHex[value >> 4];
  out += kHex[value & 0xF];
}

}  // namespace

std::string unescape_json(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    const void* found = std::memchr(raw.data() + at, '\\', raw.size() - at);
    const std::size_t stop =
        found == nullptr ? raw.size() : static_cast<std::size_t>(static_cast<const char*>(found) - raw.data());
    out.append(raw, at, stop - at);
    if (stop == raw.size()) break;
    const Unescaped escape = unescape_at(raw, stop);
    out.append(escape.bytes, escape.length);
    at = stop + escape.raw_length;
  }
  return out;
}

void append_json_escaped(std::string& out, std::string_view text) {
  std::size_t at = 0;
  while (true) {
    const std::size_t stop = find_string_stop(text, at);
    out.append(text, at, stop - at);
    if (stop == text.size()) return;
    append_escape(out, text[stop]);
    at = stop + 1;
  }
}

std::vector<std::uint32_t> raw_offsets(std::string_view raw, const std::vector<std::uint32_t>& text_offsets) {
  std::vector<std::uint32_t> out;
  out.reserve(text_offsets.size());
  std::size_t at = 0;        // in raw
  std::size_t produced = 0;  // bytes of text before `at`
  for (const std::uint32_t wanted : text_offsets) {
    while (at < raw.size() && produced < wanted) {
      const bool escaped = raw[at] == '\\';
      const Unescaped escape = escaped ? unescape_at(raw, at) : Unescaped{1, {}, 1};
      if (produced + escape.length > wanted) break;
      at += escape.raw_length;
      produced += escape.length;
    }
    out.push_back(static_cast<std::uint32_t>(std::min(at, raw.size())));
  }
  return out;
}

}  // namespace tollgate::providers
