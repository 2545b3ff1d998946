#pragma once
// A value or the Error that prevented it. Ignoring one does not compile (boost::system::result lets it pass).
// Used for everything a request can cause; exceptions are for start-up and bugs.
#include <optional>
#include <utility>
#include <variant>

#include "gateway/base/error.h"

namespace tollgate {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok()
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  // REQUIRES: !ok()
  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }

  // REQUIRES: !ok()
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace tollgate

#define TG_CAT2_(a, b) a##b
#define TG_CAT_(a, b) TG_CAT2_(a, b)
#define TG_TRY_(tmp, leave, decl, ...)    \
  auto tmp = (__VA_ARGS__);               \
  if (!tmp) leave std::move(tmp).error(); \
  decl = *std::move(tmp)
#define TG_CHECK_(leave, ...)                           \
  do {                                                  \
    auto tg_check_ = (__VA_ARGS__);                     \
    if (!tg_check_) leave std::move(tg_check_).error(); \
  } while (false)

// TG_TRY(auto plan, make_plan(call));       binds the value, or returns the error
// TG_CO_TRY(auto head, co_await read());    the same inside a coroutine
// TG_CHECK(write(x)); / TG_CO_CHECK(...)    for Status
// TG_TRY expands to several statements: never the lone body of an `if`.
#define TG_TRY(decl, ...) TG_TRY_(TG_CAT_(tg_try_, __LINE__), return, decl, __VA_ARGS__)
#define TG_CO_TRY(decl, ...) TG_TRY_(TG_CAT_(tg_try_, __LINE__), co_return, decl, __VA_ARGS__)
#define TG_CHECK(...) TG_CHECK_(return, __VA_ARGS__)
#define TG_CO_CHECK(...) TG_CHECK_(co_return, __VA_ARGS__)
