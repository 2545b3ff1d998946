#pragma once
// What the tests of this folder share: sample records, and a directory that goes away.
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>

#include "finops/usage_record.h"

namespace tollgate::finops::samples {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tollgate-finops-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The id of record `n` < 2^56: any two differ. (The variant bits take part of the third byte.)
inline Uuid id(std::uint64_t n) {
  std::array<std::uint8_t, 10> random{};
  for (std::size_t i = 0; i < 7; ++i) random[i + 3] = static_cast<std::uint8_t>(n >> (8 * i));
  return Uuid::v7(SystemTime(std::chrono::milliseconds(1'764'000'000'000)), random);
}

inline UsageRecord record(std::uint64_t n, RecordKind kind = RecordKind::final) {
  UsageRecord r;
  r.kind = kind;
  r.event_id = id(n);
  r.request_id = id(n + (std::uint64_t{1} << 40U));
  r.started_at_ms = 1'764'000'000'000 + static_cast<std::int64_t>(n);
  r.organisation = "default";
  r.department = "retail";
  r.cost_center = "CC-1042";
  r.application = "branch-chat";
  r.credential = "key-1";
  r.operation = "chat";
  r.model_asked = "gpt-4o";
  r.model_served = "gpt-4o-2024-08-06";
  r.provider = "openai";
  r.input_tokens = 100;
  r.output_tokens = 20;
  r.usage_source = UsageSource::provider_final;
  r.cost_nano = 450'000;
  r.price_version = "builtin@2026-11:gpt-4o";
  r.status = 200;
  r.outcome = "ok";
  r.latency_ms = 321;
  r.ttft_ms = 45;
  if (kind == RecordKind::intent) {
    r.usage_source = UsageSource::estimated;
    r.output_tokens = 50;
    r.cost_nano = 750'000;
    r.outcome.clear();
    r.status = 0;
  }
  return r;
}

// The bytes of version 1, which ended with config_generation.
inline std::string first_form(const UsageRecord& record) {
  std::string bytes;
  encode(record, bytes);
  bytes.resize(bytes.size() - 18 - record.upstream_request_id.size());
  bytes[0] = 1;
  return bytes;
}

// Every field set to something, strings with all byte values.
inline UsageRecord random_record(std::mt19937_64& random) {
  const auto text = [&random] {
    std::string s(random() % 40, '\0');
    for (char& c : s) c = static_cast<char>(random());
    return s;
  };
  const auto number = [&random] { return static_cast<std::int64_t>(random()); };
  UsageRecord r = record(random(), random() % 2 == 0 ? RecordKind::intent : RecordKind::final);
  r.attempt = static_cast<std::uint32_t>(random());
  r.started_at_ms = number();
  for (auto* field :
       {&r.organisation, &r.department, &r.cost_center, &r.application, &r.purpose, &r.use_case, &r.credential,
        &r.user_hash, &r.operation, &r.model_asked, &r.model_served, &r.provider, &r.processing_region, &r.currency,
        &r.price_version, &r.outcome, &r.rule_pack, &r.upstream_request_id})
    *field = text();
  for (auto* field : {&r.input_tokens, &r.cached_input_tokens, &r.cache_write_tokens, &r.output_tokens,
                      &r.reasoning_tokens, &r.cost_nano, &r.latency_ms, &r.ttft_ms, &r.gateway_us, &r.pii_found,
                      &r.config_generation, &r.audio_ms, &r.compute_us})
    *field = number();
  r.stream = random() % 2 == 0;
  r.fallback = random() % 2 == 0;
  r.usage_source = static_cast<UsageSource>(random() % 3);
  r.status = static_cast<std::int32_t>(random());
  return r;
}

}  // namespace tollgate::finops::samples
