// Values as JSON, as transformers defines tojson: json.dumps(value, ensure_ascii=False, indent=indent).
#include "local_backend/jinja_builtins.h"
#include "local_backend/jinja_syntax.h"
#include "local_backend/jinja_text.h"

namespace tollgate::local_backend::jinja {
namespace {

using Kind = JinjaValue::Kind;

class JsonWriter {
 public:
  JsonWriter(Context& context, int line, std::int64_t indent) : context_(context), line_(line), indent_(indent) {}

  void write(const JinjaValue& v, int depth = 0) {
    if (!context_.step(line_) || !context_.fits(16, line_)) return;
    if (depth > kMaxDepth || v.is(Kind::undefined) || v.is(Kind::space)) {
      context_.fail(line_, "this value cannot be written as JSON");
    } else if (v.is(Kind::string)) {
      if (context_.fits(v.string().size(), line_)) quote_json(v.string(), out);
    } else if (v.is(Kind::list)) {
      sequence('[', ']', v.list().size(), depth, [&](std::size_t i) { write(v.list()[i], depth + 1); });
    } else if (v.is(Kind::map)) {
      sequence('{', '}', v.map().size(), depth, [&](std::size_t i) {
        quote_json(v.map()[i].first, out);
        out += ": ";
        write(v.map()[i].second, depth + 1);
      });
    } else {
      out += v.is(Kind::none) ? "null" : v.is(Kind::boolean) ? (v.truthy() ? "true" : "false") : v.text();
    }
  }

  std::string out;

 private:
  template <class Item>
  void sequence(char open, char close, std::size_t count, int depth, Item item) {
    out += open;
    for (std::size_t i = 0; i < count && !context_.failed(); ++i) {
      if (i > 0) out += indent_ < 0 ? ", " : ",";
      new_line(depth + 1);
      item(i);
    }
    if (count > 0) new_line(depth);
    out += close;
  }
  void new_line(int depth) {
    if (indent_ < 0) return;
    out += '\n';
    const std::size_t blanks = static_cast<std::size_t>(indent_) * static_cast<std::size_t>(depth);
    if (context_.fits(blanks, line_)) out.append(blanks, ' ');
  }

  Context& context_;
  int line_;
  std::int64_t indent_;
};

}  // namespace

std::string to_json(Context& context, const JinjaValue& value, int line, std::int64_t indent) {
  JsonWriter writer(context, line, indent);
  writer.write(value);
  return std::move(writer.out);
}

}  // namespace tollgate::local_backend::jinja
