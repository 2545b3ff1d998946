#pragma once
// The part of Jinja that chat templates use, with trim_blocks and lstrip_blocks on, as transformers renders them:
// text, comments, {{ expressions }}; for (unpacking, if, else, break, continue), if/elif/else, set (of a variable, of a
// namespace's member, of a block), macro, generation; attributes, indexes and slices, operators, inline if, literals of
// lists, tuples and maps; the filters, tests, methods and functions that jinja_builtins.cpp lists.
// What is not implemented is an error that names the construct, never silently skipped.
// Templates are code that comes with a model: steps, output and nesting are limited.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::local_backend {

// A value of the template language. Copies share lists and maps; nothing but a namespace changes after it is made.
class JinjaValue {
 public:
  enum class Kind : std::uint8_t { undefined, none, boolean, integer, number, string, list, map, space };
  using List = std::vector<JinjaValue>;
  using Map = std::vector<std::pair<std::string, JinjaValue>>;

  JinjaValue() = default;
  static JinjaValue none();
  static JinjaValue of(bool value);
  static JinjaValue of(std::int64_t value);
  static JinjaValue of(double value);
  static JinjaValue of(std::string value);
  static JinjaValue of(List value);
  static JinjaValue of(Map value);
  static JinjaValue space(Map value);  // a namespace: its copies share what is set in it

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_numeric() const { return kind_ == Kind::boolean || kind_ == Kind::integer || kind_ == Kind::number; }
  bool truthy() const;
  std::int64_t integer() const { return integer_; }  // booleans are 0 and 1
  double number() const { return kind_ == Kind::number ? number_ : static_cast<double>(integer_); }
  const std::string& string() const { return string_; }
  const List& list() const { return *list_; }                 // REQUIRES: kind list
  const Map& map() const { return *map_; }                    // REQUIRES: kind map or space
  const JinjaValue* member(std::string_view key) const;       // nullptr when missing or no map or namespace
  void set_member(const std::string& key, JinjaValue value);  // REQUIRES: kind space
  std::string text() const;                                   // as {{ }} prints it
  bool equals(const JinjaValue& other, int depth = 0) const;

 private:
  Kind kind_ = Kind::undefined;
  std::int64_t integer_ = 0;
  double number_ = 0;
  std::string string_;
  std::shared_ptr<const List> list_;
  std::shared_ptr<Map> map_;
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

  // `now` (seconds since 1970, UTC) is what strftime_now shows; without it that function is not defined.
  JinjaResult render(const JinjaValue::Map& variables, const JinjaLimits& limits = {},
                     std::optional<std::int64_t> now = std::nullopt) const;

 private:
  std::unique_ptr<const jinja::Block> root_;
};

}  // namespace tollgate::local_backend
