// Forms are the same wherever the bytes are cut, and what was read and is written anew is read as the same again.
#include <cstdint>
#include <string>
#include <vector>

#include "providers/multipart.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

using Item = FormReader::Item;

struct Part {
  std::string name, filename, type, content;
  bool is_file = false, ended = false;
  friend bool operator==(const Part&, const Part&) = default;
};
struct Form {
  std::vector<Part> parts;
  bool good = false;
  friend bool operator==(const Form&, const Form&) = default;
};

bool take_all(FormReader& reader, Form& out) {
  for (;;) {
    const auto item = reader.next();
    if (!item) return false;
    if (*item == Item::more) return true;
    if (*item == Item::part) {
      const FormPart& part = reader.part();
      out.parts.push_back({part.name, part.filename.value_or(""), part.content_type, {}, part.filename.has_value()});
    }
    if (*item == Item::data) out.parts.back().content += reader.data();
    if (*item == Item::part_end) out.parts.back().ended = true;
  }
}

Form read(std::string_view wire, std::size_t piece) {
  FormReader reader("b");
  Form out;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    reader.input() += wire.substr(at, piece);
    if (!take_all(reader, out)) return out;
  }
  out.good = reader.finish().ok();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = static_cast<unsigned char>(all.front()) % 13 + 1;
  const std::string_view wire = all.substr(1);
  (void)form_boundary(wire);
  const Form form = read(wire, wire.size() + 1);
  const Form cut = read(wire, piece);
  require(form.good == cut.good, "the verdict does not depend on the cuts");
  if (!form.good) return 0;
  require(form == cut, "nor do the parts");
  std::string again;
  for (const Part& part : form.parts) {
    FormPart head{part.name, std::nullopt, part.type};
    if (part.is_file) head.filename = part.filename;
    append_part_head(again, "b", head);
    again += part.content + "\r\n";
  }
  append_form_end(again, "b");
  if (!form.parts.empty()) require(read(again, again.size()) == form, "written anew, it is the same");
  return 0;
}
