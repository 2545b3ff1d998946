// A Messages request with the wire format taken off (Anthropic API reference, messages/create).
#include <algorithm>
#include <array>
#include <limits>

#include "providers/messages_reading.h"
#include "providers/messages_request.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Effort = ReasoningEffort;

// Members that change nothing about the answer, or that the upstream sets itself.
constexpr std::array<std::string_view, 4> kWithoutEffect = {"model", "stream", "service_tier", "diagnostics"};

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kLeastBudget = 1024;

class RequestReading {
 public:
  explicit RequestReading(std::string_view body) : reading_(body) {}

  Result<CanonicalRequest> run() {
    TG_CHECK(read_request(reading_, [this](const std::string& name) { return member(name); }));
    TG_CHECK(settle_thinking());
    mark_last_block();
    return std::move(out_);
  }

 private:
  Status member(const std::string& name) {
    if (name == "messages") return read_message_list(reading_);
    if (name == "system") return read_system_prompt(reading_);
    if (name == "tools") return read_tool_list(reading_);
    if (name == "tool_choice") return read_choice(reading_);
    if (name == "max_tokens") return read_integer(reading_, name, 1, kMost, out_.max_tokens);
    if (name == "temperature") return read_number(reading_, name, 0, 1, out_.temperature);
    if (name == "top_p") return read_number(reading_, name, 0, 1, out_.top_p);
    if (name == "top_k") return read_integer(reading_, name, 0, 1'000'000, out_.top_k);
    if (name == "stop_sequences") return stop_sequences();
    if (name == "metadata") return metadata();
    if (name == "thinking") return thinking();
    if (name == "output_config") return output_config();
    if (name == "output_format") return format("output_format");  // its name before 2026
    if (name == "cache_control") return read_cache_mark(reading_, last_mark_);
    if (name == "mcp_servers") return servers();
    if (std::find(kWithoutEffect.begin(), kWithoutEffect.end(), name) != kWithoutEffect.end())
      return skip_value(reading_);
    if (in_.peek() != Kind::null) note_lossy(out_.lossy, name);
    return skip_value(reading_);
  }

  Status stop_sequences() {
    constexpr std::size_t kMaxStops = 256;
    if (in_.null()) return {};
    return read_array(reading_, "stop_sequences", [this]() -> Status {
      if (out_.stop.size() == kMaxStops)
        return invalid_value("stop_sequences", "Too many stop sequences: at most 256 are read.");
      return read_string(reading_, "stop_sequences", out_.stop.emplace_back());
    });
  }

  Status metadata() {
    if (in_.null()) return {};
    return read_object(reading_, "metadata", [this](const std::string& key) {
      return key == "user_id" ? read_string(reading_, "metadata.user_id", out_.user) : skip_value(reading_);
    });
  }

  Status servers() {
    if (in_.null()) return {};
    return read_array(reading_, "mcp_servers",
                      []() -> Status { return only_at_anthropic("mcp_servers", "MCP servers"); });
  }

  // --- structured output ---

  Status output_config() {
    if (in_.null()) return {};
    return read_object(reading_, "output_config", [this](const std::string& key) {
      if (key == "effort") return read_effort(reading_, "output_config.effort");
      if (key == "format") return format("output_config.format");
      note_lossy(out_.lossy, "output_config." + key);
      return skip_value(reading_);
    });
  }

  // {"type":"json_schema","schema":{...}}, which is always enforced.
  Status format(const std::string& name) {
    if (in_.null()) return {};
    ResponseFormat& out = out_.response_format;
    std::string type;
    TG_CHECK(read_object(reading_, name, [&](const std::string& key) {
      if (key == "type") return read_string(reading_, name + ".type", type);
      return key == "schema" ? read_raw_object(reading_, name + ".schema", out.schema) : skip_value(reading_);
    }));
    if (type != "json_schema" || out.schema.empty())
      return invalid_value(name, "'" + name + "' must be of type json_schema and have a 'schema'.");
    out.kind = ResponseFormat::Kind::json_schema;
    out.strict = true;
    return {};
  }

  // --- thinking ---

  Status thinking() {
    if (in_.null()) return {};
    return read_object(reading_, "thinking", [this](const std::string& key) {
      if (key == "type") return read_string(reading_, "thinking.type", thinking_);
      if (key == "budget_tokens")
        return read_integer(reading_, "thinking.budget_tokens", kLeastBudget, kMost, out_.reasoning_budget);
      if (in_.peek() != Kind::null) note_lossy(out_.lossy, "thinking." + key);
      return skip_value(reading_);
    });
  }

  static Effort effort_of(std::int64_t budget) {
    if (budget < 4 * kLeastBudget) return Effort::low;
    return budget < 16 * kLeastBudget ? Effort::medium : Effort::high;
  }

  // Thinking and effort are two members, in any order. Where the model may choose, it thinks much: Anthropic's default.
  Status settle_thinking() {
    Effort& effort = out_.reasoning_effort;
    if (thinking_ == "enabled") {
      if (!out_.reasoning_budget)
        return invalid_value("thinking.budget_tokens", "'thinking.budget_tokens' is missing: add it.");
      if (effort == Effort::unset) effort = effort_of(*out_.reasoning_budget);
      return {};
    }
    out_.reasoning_budget.reset();
    if (thinking_ == "disabled") {
      if (effort != Effort::unset) note_lossy(out_.lossy, "output_config.effort");
      effort = Effort::none;
    } else if (thinking_ == "adaptive" || thinking_ == "between_tools") {
      if (effort == Effort::unset) effort = Effort::high;
    } else if (!thinking_.empty()) {
      return invalid_value("thinking.type", "'thinking.type' must be enabled, adaptive or disabled.");
    }
    return {};
  }

  // The mark of the whole request stands for one on its last block.
  void mark_last_block() {
    if (last_mark_ == CacheMark::none || out_.messages.empty() || out_.messages.back().parts.empty()) return;
    CacheMark& mark = out_.messages.back().parts.back().cache;
    if (mark == CacheMark::none) mark = last_mark_;
  }

  Reading reading_;
  JsonReader& in_ = reading_.in;
  CanonicalRequest& out_ = reading_.out;
  std::string thinking_;  // its type
  CacheMark last_mark_ = CacheMark::none;
};

}  // namespace

Error only_at_anthropic(std::string param, std::string_view what) {
  return invalid_value(std::move(param), "The provider of this model cannot be sent " + std::string(what) +
                                             ". Leave it out, or name a model that Anthropic itself serves.");
}

Result<CanonicalRequest> canonicalise_messages(std::string_view body) { return RequestReading(body).run(); }

}  // namespace tollgate::providers
