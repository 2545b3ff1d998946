#pragma once
// The one way for a module to say something to the operator. Modules take a `Log&`; only gateway/observe knows spdlog.
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

namespace tollgate {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool> value;
};

// Thread-safe, never blocks, never throws. A field never carries a key, a secret, prompt text or a PII value.
// `event` is a stable snake_case name such as "ledger_stalled"; `message` is for people.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view event, std::string_view message,
                     std::initializer_list<LogField> fields) = 0;
};

// Discards everything: for tests and offline commands.
class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace tollgate
