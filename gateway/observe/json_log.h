#pragma once
// The operator's log: one JSON object a line, written by a thread of its own.
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/base/log.h"
#include "gateway/base/result.h"

namespace tollgate::observe {

// Asynchronous: a slow disk or a blocked pipe costs lines, counted in dropped(), never time on a worker. Warnings and
// errors are written at once, other lines within LineWriter::kGather. The destructor writes what is pending.
class JsonLog : public Log {
 public:
  virtual std::int64_t dropped() const = 0;
  virtual std::int64_t written() const = 0;  // lines handed to the writer thread
  virtual void set_level(LogLevel level) = 0;
  // Goes on in a file of the same name, for who has moved the old one away. Opens it here, so not for a loop. Any
  // thread. Error internal: it cannot be opened, and the log goes on where it was.
  virtual Status reopen() = 0;
};

// `file` empty: standard error. Throws std::runtime_error when the file cannot be opened.
std::unique_ptr<JsonLog> make_json_log(LogLevel level, const std::string& file);

// "debug", "info", "warning", "error"; anything else is info.
LogLevel parse_log_level(const std::string& name);

}  // namespace tollgate::observe
