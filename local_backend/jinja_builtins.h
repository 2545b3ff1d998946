#pragma once
// Filters, tests, methods and functions of the template language, and the limits they work within. Private to the
// jinja_*.cpp files.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local_backend/jinja.h"

namespace tollgate::local_backend::jinja {

// Counts steps and bytes, and keeps the first error: evaluation unwinds by returning undefined, without exceptions for
// what a request can cause.
class Context {
 public:
  Context(const JinjaLimits& limits, std::optional<std::int64_t> now) : now(now), limits_(limits) {}

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }
  JinjaValue fail(int line, const std::string& what);
  void raise(const std::string& message);
  bool step(int line, std::int64_t count = 1);
  bool fits(std::size_t size, int line);
  bool output_fits(std::size_t size) const { return size <= limits_.output_bytes; }

  const std::optional<std::int64_t> now;

 private:
  JinjaLimits limits_;
  std::string error_;
  std::int64_t steps_ = 0;
  std::size_t work_ = 0;
};

// What a filter, test, method or function is called with.
struct Arguments {
  JinjaValue subject;  // the filtered or tested value, the method's object; undefined for a function
  std::vector<JinjaValue> positional;
  JinjaValue::Map named;
  int line = 1;

  // The argument at `index`, or of that name; undefined where there is none.
  JinjaValue get(std::size_t index, std::string_view name = {}) const;
};

using Builtin = JinjaValue (*)(Context&, const Arguments&);
// nullptr where there is none of that name.
Builtin find_filter(std::string_view name);
Builtin find_test(std::string_view name);
Builtin find_method(std::string_view name);
Builtin find_function(std::string_view name);

// An indent below 0: all on one line.
std::string to_json(Context& context, const JinjaValue& value, int line, std::int64_t indent);
// + - * / // % of numbers, with Python's rounding.
JinjaValue arithmetic(Context& context, const std::string& op, const JinjaValue& left, const JinjaValue& right,
                      int line);
bool contains(Context& context, const JinjaValue& in, const JinjaValue& what, int line);
// -1, 0, 1; nullopt when they cannot be compared.
std::optional<int> compare(const JinjaValue& a, const JinjaValue& b);
// The values that a loop goes through: of a list, a map's keys, a string's characters; fails for others.
JinjaValue::List items_of(Context& context, const JinjaValue& value, int line);

}  // namespace tollgate::local_backend::jinja
