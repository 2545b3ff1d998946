#include "gateway/observe/json_log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include "gateway/observe/line_writer.h"
#include "providers/call.h"

namespace tollgate::observe {
namespace {

constexpr std::string_view kLevels[] = {"debug", "info", "warning", "error"};

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  providers::append_json_escaped(out, text);
  out.push_back('"');
}

void append_number(std::string& out, std::int64_t number) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(std::begin(digits), end);
}

void append_value(std::string& out, const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value))
    append_string(out, *text);
  else if (const auto* number = std::get_if<std::int64_t>(&field.value))
    append_number(out, *number);
  else
    out += std::get<bool>(field.value) ? "true" : "false";
}

void append_json(std::string& out, std::string_view time, LogLevel level, std::string_view event,
                 std::string_view message, std::initializer_list<LogField> fields) {
  out.append(R"({"time":")").append(time);
  out.append(R"(","level":")").append(kLevels[static_cast<std::size_t>(level)]);
  out += R"(","event":)";
  append_string(out, event);
  if (!message.empty()) {
    out += ",\"message\":";
    append_string(out, message);
  }
  for (const auto& field : fields) {
    out.append(",\"").append(field.name).append("\":");
    append_value(out, field);
  }
  out.push_back('}');
}

// A process that was killed may have left half a line: the next one is not to be lost with it.
void end_half_line(const spdlog::filename_t& file, std::FILE* out) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(file, failure)) return;
  std::ifstream written(file, std::ios::binary);
  if (written.seekg(-1, std::ios::end) && written.get() != '\n') std::fputc('\n', out);
}

spdlog::sink_ptr open_sink(const std::string& file) {
  if (file.empty()) return std::make_shared<spdlog::sinks::stderr_sink_st>();
  try {
    spdlog::file_event_handlers handlers;
    handlers.after_open = end_half_line;
    return std::make_shared<spdlog::sinks::basic_file_sink_st>(file, false, handlers);
  } catch (const spdlog::spdlog_ex& failure) {
    throw std::runtime_error(failure.what());
  }
}

spdlog::sink_ptr make_sink(const std::string& file) {
  auto sink = open_sink(file);
  sink->set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, std::string("\n")));
  return sink;
}

// spdlog's sinks do the writing; its queue would cost a wake-up and a write(2) for every line (9 us a call, measured).
class BlockJsonLog final : public JsonLog {
 public:
  BlockJsonLog(LogLevel level, const std::string& file)
      : file_(file),
        sink_(make_sink(file)),
        level_(level),
        writer_([this](std::string_view lines) { return write_out(lines); }) {}

  void write(LogLevel level, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields) override {
    if (level < level_.load(std::memory_order_relaxed)) return;
    thread_local std::string line;
    thread_local LogTime time;
    line.clear();
    append_json(line, time.at(std::chrono::system_clock::now()), level, event, message, fields);
    writer_.put(line, level >= LogLevel::warning ? LineWriter::Haste::now : LineWriter::Haste::gather);
  }

  std::int64_t dropped() const override { return writer_.dropped(); }
  std::int64_t written() const override { return writer_.written(); }
  void set_level(LogLevel level) override { level_.store(level, std::memory_order_relaxed); }

  Status reopen() override {
    if (file_.empty()) return {};
    try {
      auto fresh = make_sink(file_);
      const std::lock_guard lock(sink_mutex_);
      sink_ = std::move(fresh);
      return {};
    } catch (const std::runtime_error& failure) {
      return Error{ErrorKind::internal, failure.what()};
    }
  }

 private:
  // On the writer's thread.
  bool write_out(std::string_view lines) {
    const auto sink = current_sink();
    try {
      sink->log({{}, spdlog::level::info, {lines.data(), lines.size()}});
      sink->flush();
      return true;
    } catch (const spdlog::spdlog_ex&) {
      return false;  // a full disk or a closed pipe: the counter of dropped lines tells
    }
  }
  spdlog::sink_ptr current_sink() {
    const std::lock_guard lock(sink_mutex_);
    return sink_;
  }

  const std::string file_;
  std::mutex sink_mutex_;
  spdlog::sink_ptr sink_;
  std::atomic<LogLevel> level_;
  LineWriter writer_;  // last: its thread uses all of the above
};

}  // namespace

std::unique_ptr<JsonLog> make_json_log(LogLevel level, const std::string& file) {
  return std::make_unique<BlockJsonLog>(level, file);
}

LogLevel parse_log_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

}  // namespace tollgate::observe
