#pragma once
// The part of Jinja that chat templates use, with trim_blocks and lstrip_blocks on, as transformers renders them:
// text, comments, {{ expressions }}, for, if/elif/else, set; attributes, indexes and slices, calls of raise_exception,
// operators, inline if, list literals, tests, and the filters trim, length, upper, lower and tojson.
// What is not implemented is an error that names the construct, never silently skipped.
// Templates are code that comes with a model: steps, output and nesting are limited.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::local_backend {

// A value of the template language. Copies share lists and maps, which nothing changes after they are made.
class JinjaValue {
 public:
  enum class Kind : std::uint8_t { undefined, none, boolean, integer, string, list, map };
  using List = std::vector<JinjaValue>;
  using Map = std::vector<std::pair<std::string, JinjaValue>>;

  JinjaValue() = default;
  static JinjaValue none();
  static JinjaValue of(bool value);
  static JinjaValue of(std::int64_t value);
  static JinjaValue of(std::string value);
  static JinjaValue of(List value);
  static JinjaValue of(Map value);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool truthy() const;
  std::int64_t integer() const { return integer_; }  // booleans are 0 and 1
  const std::string& string() const { return string_; }
  const List& list() const { return *list_; }            // REQUIRES: kind list
  const Map& map() const { return *map_; }               // REQUIRES: kind map
  const JinjaValue* member(std::string_view key) const;  // nullptr when missing or no map
  std::string text() const;                              // as {{ }} prints it
  bool equals(const JinjaValue& other, int depth = 0) const;

 private:
  Kind kind_ = Kind::undefined;
  std::int64_t integer_ = 0;
  std::string string_;
  std::shared_ptr<const List> list_;
  std::shared_ptr<const Map> map_;
};

struct JinjaLimits {
  std::int64_t steps = 1'000'000;
  std::size_t output_bytes = 16U << 20U;  // also of any string made on the way
};

struct JinjaResult {
  bool ok = false;
  std::string text;
  std::string error;  // what a template said through raise_exception, or what went wrong
};

namespace jinja {
struct Block;
}

// Immutable after construction; thread-safe.
class JinjaTemplate {
 public:
  // Throws std::runtime_error("line N: ...").
  explicit JinjaTemplate(std::string_view source);
  ~JinjaTemplate();
  JinjaTemplate(JinjaTemplate&&) noexcept;
  JinjaTemplate& operator=(JinjaTemplate&&) noexcept;

  JinjaResult render(const JinjaValue::Map& variables, const JinjaLimits& limits = {}) const;

 private:
  std::unique_ptr<const jinja::Block> root_;
};

}  // namespace tollgate::local_backend
