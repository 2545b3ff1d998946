#pragma once
// Private to config: how facts are written down.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/facts.h"
#include "config/scalars.h"

namespace tollgate::config {

// Collects facts; each put() is one field.
class Collector {
 public:
  void put(std::string name, std::string value, Applies applies = Applies::reload) {
    if (!value.empty()) facts_.push_back({std::move(name), std::move(value), applies, false});
  }
  void put(std::string name, std::int64_t value, Applies applies = Applies::reload) {
    put(std::move(name), std::to_string(value), applies);
  }
  void put(std::string name, std::optional<std::int64_t> value) {
    if (value) put(std::move(name), *value);
  }
  void flag(std::string name, bool value, Applies applies = Applies::reload) {
    put(std::move(name), std::string(value ? "true" : "false"), applies);
  }
  void duration(std::string name, std::chrono::milliseconds value, Applies applies = Applies::reload) {
    put(std::move(name), format_duration(value), applies);
  }
  void size(std::string name, std::uint64_t value, Applies applies = Applies::reload) {
    put(std::move(name), format_size(value), applies);
  }
  void secret(std::string name, std::string_view bytes, Applies applies = Applies::reload) {
    if (!bytes.empty()) facts_.push_back({std::move(name), private_digest(bytes), applies, true});
  }
  void secret(std::string name, const std::shared_ptr<const Secret>& value, Applies applies = Applies::reload) {
    if (value) secret(std::move(name), value->reveal(), applies);
  }
  Facts take() { return std::move(facts_); }

 private:
  Facts facts_;
};

// "auth.…": which identity a provider has, and what it is made of.
void identity_facts(const providers::IdentityOptions& identity, Collector& out);
// "egress.…", without the client certificate, which lies inside the TLS context.
void egress_facts(const providers::Endpoint& endpoint, Collector& out);

}  // namespace tollgate::config
