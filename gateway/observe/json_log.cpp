#include "gateway/observe/json_log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "providers/call.h"

namespace tollgate::observe {
namespace {

constexpr std::size_t kQueueLines = 16'384;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  providers::append_json_escaped(out, text);
  out.push_back('"');
}

void append_value(std::string& out, const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value))
    append_string(out, *text);
  else if (const auto* number = std::get_if<std::int64_t>(&field.value))
    out += std::to_string(*number);
  else
    out += std::get<bool>(field.value) ? "true" : "false";
}

// spdlog adds the time and the level in front; what is built here is the rest of the object.
std::string to_json_tail(std::string_view event, std::string_view message, std::initializer_list<LogField> fields) {
  std::string out = "\"event\":";
  append_string(out, event);
  if (!message.empty()) {
    out += ",\"message\":";
    append_string(out, message);
  }
  for (const auto& field : fields) {
    out.push_back(',');
    append_string(out, field.name);
    out.push_back(':');
    append_value(out, field);
  }
  return out;
}

class SpdlogJsonLog final : public JsonLog {
 public:
  SpdlogJsonLog(LogLevel level, const std::string& file)
      : pool_(std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1)) {
    spdlog::sink_ptr sink;
    if (file.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    logger_ = std::make_shared<spdlog::async_logger>("tollgate", std::move(sink), pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
    logger_->set_level(to_spdlog(level));
    logger_->flush_on(spdlog::level::info);
  }

  void write(LogLevel level, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields) override {
    const auto spdlog_level = to_spdlog(level);
    if (!logger_->should_log(spdlog_level)) return;
    written_.fetch_add(1, std::memory_order_relaxed);
    logger_->log(spdlog_level, to_json_tail(event, message, fields));
  }

  std::int64_t dropped() const override { return static_cast<std::int64_t>(pool_->overrun_counter()); }
  std::int64_t written() const override { return written_.load(std::memory_order_relaxed); }
  void set_level(LogLevel level) override { logger_->set_level(to_spdlog(level)); }
  void flush() override { logger_->flush(); }

 private:
  std::shared_ptr<spdlog::async_logger> logger_;
  std::shared_ptr<spdlog::details::thread_pool>
      pool_;  // dies first: its thread has ended before what it writes to goes
  std::atomic<std::int64_t> written_{0};
};

}  // namespace

std::unique_ptr<JsonLog> make_json_log(LogLevel level, const std::string& file) {
  return std::make_unique<SpdlogJsonLog>(level, file);
}

LogLevel parse_log_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

}  // namespace tollgate::observe
