#include "providers/pool_caller.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

namespace tollgate::providers {
namespace {

constexpr std::string_view kDepartment = "x-tollgate-department";
constexpr std::string_view kApplication = "x-tollgate-application";
constexpr std::string_view kCriticality = "x-tollgate-criticality";
constexpr std::string_view kRequestId = "x-request-id";
constexpr std::string_view kLossy = "x-tollgate-lossy";
constexpr std::string_view kCriticalities[] = {"low", "medium", "high"};

constexpr std::size_t kMaxId = 64;
constexpr std::int64_t kMaxComputeUs = 24LL * 3600 * 1'000'000;  // beyond a day it is a mistake, not a bill

bool id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

// As configurations name departments and applications.
bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId && std::ranges::all_of(text, id_character);
}

bool is_criticality(std::string_view text) {
  return std::ranges::find(kCriticalities, text) != std::end(kCriticalities);
}

Error bad_header(std::string_view name, std::string_view what) {
  return Error{.kind = ErrorKind::invalid_request,
               .message = "A replica's call needs the header " + std::string(name) + " once, with " +
                          std::string(what) + ". Are the replica and the pool of the same version?",
               .code = "invalid_replica_header",
               .retryable = false};
}

// Empty where it is not there exactly once.
std::string_view only(const net::HeadFacts& head, std::string_view name) {
  const auto same = [name](const net::Header& header) { return net::iequals(header.name, name); };
  return std::ranges::count_if(head.headers, same) == 1 ? head.header(name) : std::string_view();
}

Result<std::string> read_id(const net::HeadFacts& head, std::string_view name) {
  const auto value = only(head, name);
  if (!is_id(value)) return bad_header(name, "an id of at most 64 letters, digits, '.', '_' and '-'");
  return std::string(value);
}

std::optional<std::int64_t> count_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= 0 && value <= kMaxComputeUs ? std::optional(value) : std::nullopt;
}

}  // namespace

std::vector<net::Header> pool_headers(const PoolCaller& caller, bool refuse_lossy) {
  std::vector<net::Header> out = {{std::string(kDepartment), caller.department},
                                  {std::string(kApplication), caller.application},
                                  {std::string(kCriticality), caller.criticality}};
  if (refuse_lossy) out.push_back({std::string(kLossy), "refuse"});
  return out;
}

Result<PoolCall> read_pool_headers(const net::HeadFacts& head) {
  PoolCall out;
  TG_TRY(out.caller.department, read_id(head, kDepartment));
  TG_TRY(out.caller.application, read_id(head, kApplication));
  out.caller.criticality = only(head, kCriticality);
  if (!is_criticality(out.caller.criticality)) return bad_header(kCriticality, "low, medium or high");
  const auto id = Uuid::parse(only(head, kRequestId));
  if (!id) return bad_header(kRequestId, "a UUID");
  out.request_id = *id;
  return out;
}

PoolReport read_pool_report(const HttpExchange& answer) {
  const auto header = answer.header(kComputeHeader);
  const auto told = count_in(header.empty() ? answer.trailer(kComputeHeader) : header);
  return {told.value_or(-1), std::string(answer.header(kLossy))};
}

}  // namespace tollgate::providers
