#include <cmath>

#include "local_backend/jinja_builtins.h"

namespace tollgate::local_backend::jinja {

using Kind = JinjaValue::Kind;

namespace {

JinjaValue of_floats(Context& context, const std::string& op, double a, double b, int line) {
  const bool divides = op == "/" || op == "//" || op == "%";
  if (divides && b == 0) return context.fail(line, "arithmetic error");
  if (op == "+") return JinjaValue::of(a + b);
  if (op == "-") return JinjaValue::of(a - b);
  if (op == "*") return JinjaValue::of(a * b);
  if (op == "/") return JinjaValue::of(a / b);
  if (op == "//") return JinjaValue::of(std::floor(a / b));
  return JinjaValue::of(a - b * std::floor(a / b));
}

}  // namespace

JinjaValue arithmetic(Context& context, const std::string& op, const JinjaValue& left, const JinjaValue& right,
                      int line) {
  if (!left.is_numeric() || !right.is_numeric()) {
    return context.fail(line, "cannot apply " + op + " to these values");
  }
  const bool floats = left.is(Kind::number) || right.is(Kind::number) || op == "/";
  if (floats) return of_floats(context, op, left.number(), right.number(), line);
  const std::int64_t a = left.integer();
  const std::int64_t b = right.integer();
  std::int64_t out = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &out);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &out);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &out);
  } else if (b == 0) {
    overflow = true;
  } else if (op == "%") {
    out = b == -1 ? 0 : a % b;
    if (out != 0 && (out < 0) != (b < 0)) out += b;  // Python's remainder has the sign of the divisor
  } else if (b == -1) {
    overflow = __builtin_sub_overflow(std::int64_t{0}, a, &out);
  } else {
    out = a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);  // Python rounds down
  }
  if (overflow) return context.fail(line, "arithmetic error");
  return JinjaValue::of(out);
}

}  // namespace tollgate::local_backend::jinja
