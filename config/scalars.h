#pragma once
// Scalars of the configuration: strict, with units. Pure functions.
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tollgate::config {

// "500ms", "30s", "5m", "2h", "7d": digits and one unit.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds value);

// "512B", "16KiB", "4MiB", "1GiB".
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

// "600", "-5": no leading zero, no sign but '-', no underscore.
std::optional<std::int64_t> parse_integer(std::string_view text);
// "0.5": digits, at most one point.
std::optional<double> parse_decimal(std::string_view text);
// "2026-01-01" -> seconds since the Unix epoch at 00:00 UTC. Real calendar days only.
std::optional<std::int64_t> parse_date(std::string_view text);

// Plain scalars that other YAML parsers read as something else than text.
bool looks_octal(std::string_view text);             // 007, 0o7
bool looks_like_old_boolean(std::string_view text);  // yes, No, ON, off, y, n, True: YAML 1.1
bool looks_like_number(std::string_view text);       // 42, 1.5, 1e3, 0x1f, .inf

// Line (1-based) of the first byte that is not UTF-8 text; nullopt when all is.
std::optional<int> first_non_text_line(std::string_view text);
// For messages: at most 64 bytes, control characters replaced.
std::string printable(std::string_view text);

// The candidate that was probably meant; empty when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
// " (did you mean 'x'?)" or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace tollgate::config
