// Small pieces of text in base64 or hex: what they say is scanned too.
#include <algorithm>
#include <array>

#include "pii/blobs.h"
#include "pii/secret_checks.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kLongest = 512;  // larger ones are files
constexpr std::size_t kMaxBack = 16;
constexpr std::size_t kPeek = 8;  // characters of base64 that tell text from bytes

constexpr auto kBase64 = [] {
  std::array<bool, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = is_alnum(static_cast<char>(i)) || is_one_of(static_cast<char>(i), "+/-_");
  return out;
}();
bool is_base64(char c) { return kBase64[static_cast<unsigned char>(c)]; }

bool is_text(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t'; });
}

bool starts_as_text(std::string_view text, std::size_t start) {
  const auto first = decode_base64(text.substr(start, kPeek));
  return first && is_text(*first);
}

std::optional<Blob> base64_blob(std::string_view text, Run run) {
  std::size_t start = run.start;
  while (start > 0 && run.start - start <= kMaxBack && is_base64(text[start - 1])) --start;
  if (run.start - start > kMaxBack || !starts_as_text(text, start)) return std::nullopt;
  std::size_t end = run.end;
  while (end < text.size() && end - start <= kLongest && is_base64(text[end])) ++end;
  for (int padding = 0; padding < 2 && end < text.size() && text[end] == '='; ++padding) ++end;
  if (end - start > kLongest) return std::nullopt;
  auto decoded = decode_base64(text.substr(start, end - start));
  if (!decoded || !is_text(*decoded)) return std::nullopt;
  return Blob{start, end, std::move(*decoded)};
}

std::optional<Blob> hex_blob(std::string_view text, Run run) {
  if (run.end - run.start > kLongest) return std::nullopt;
  auto decoded = decode_hex(text.substr(run.start, run.end - run.start));
  if (!decoded || !is_text(*decoded)) return std::nullopt;
  return Blob{run.start, run.end, std::move(*decoded)};
}

}  // namespace

std::optional<Blob> decode_blob(std::string_view text, Run run) {
  auto hex = hex_blob(text, run);
  return hex ? std::move(hex) : base64_blob(text, run);
}

}  // namespace tollgate::pii
