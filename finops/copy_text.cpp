#include "finops/copy_text.h"

#include <concepts>

#include "finops/usage_fields.h"

namespace tollgate::finops {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool between(unsigned char c, int low, int high) { return c >= low && c <= high; }

// The length of the well-formed sequence at the start of `text` (Unicode 15, table 3-7), or 0.
std::size_t sequence_length(std::string_view text) {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const int lead = at(0);
  if (lead > 0 && lead < 0x80) return 1;
  const auto tail = [&at](std::size_t i) { return between(static_cast<unsigned char>(at(i)), 0x80, 0xBF); };
  const auto second = static_cast<unsigned char>(at(1));
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool ok = between(second, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return ok && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool ok = between(second, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return ok && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

class LineWriter {
 public:
  explicit LineWriter(std::string& out) : out_(out) {}

  template <std::integral T>
  void operator()(const char* /*name*/, T value) {
    field().append(std::to_string(value));
  }
  void operator()(const char* /*name*/, bool value) { field().append(value ? "t" : "f"); }
  void operator()(const char* /*name*/, UsageSource value) { field().append(to_string(value)); }
  void operator()(const char* /*name*/, const Uuid& id) { field().append(id.to_string()); }
  void operator()(const char* /*name*/, const std::string& text) {
    field();
    for (const char c : postgres_text(text)) escaped(c);
  }

 private:
  std::string& field() {
    if (!first_) out_ += '\t';
    first_ = false;
    return out_;
  }
  void escaped(char c) {
    switch (c) {
      case '\\':
        out_ += "\\\\";
        break;
      case '\t':
        out_ += "\\t";
        break;
      case '\n':
        out_ += "\\n";
        break;
      case '\r':
        out_ += "\\r";
        break;
      default:
        out_ += c;
    }
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace

std::string postgres_text(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const auto length = sequence_length(text);
    clean.append(length > 0 ? text.substr(0, length) : kReplacement);
    text.remove_prefix(length > 0 ? length : 1);
  }
  return clean;
}

void append_copy_line(const UsageRecord& record, std::string& out) {
  for_each_field(record, LineWriter(out));
  out += '\n';
}

}  // namespace tollgate::finops
