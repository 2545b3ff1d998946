#include "gateway/pipeline/report.h"

#include "providers/abilities.h"

namespace tollgate::pipeline {

namespace {

// A length tells little where it is told in steps.
std::string_view length_bucket(std::size_t bytes) {
  constexpr std::pair<std::size_t, std::string_view> kSteps[] = {
      {8, "1-8"}, {16, "9-16"}, {32, "17-32"}, {64, "33-64"}};
  for (const auto& [most, name] : kSteps)
    if (bytes <= most) return name;
  return "65+";
}

// "US_NPI pseudonymise user 99% 9-16 k3jd7wq2m5xa us_npi:dddddddddd (check named); ...": nothing of a value. Whose
// version the rules have is rule_pack, in the same line.
std::string audit_text(const std::vector<pii::Audited>& audit) {
  std::string out;
  out.reserve(audit.size() * 96);
  for (const auto& [type, action, score, rule, terms, position, length, digest] : audit) {
    if (!out.empty()) out += "; ";
    for (const std::string_view part : {std::string_view(type), to_string(action), position})
      out.append(part).append(" ");
    out.append(std::to_string(static_cast<int>(score * 100 + 0.5))).append("% ");
    out.append(length_bucket(length)).append(" ").append(digest);
    out.append(" ").append(rule).append(" (").append(terms).append(")");
  }
  return out;
}

}  // namespace

Report::Report(const Services& services, const View& view, const server::Exchange& exchange, providers::Api api)
    : services_(services),
      view_(view),
      exchange_(exchange),
      api_(api),
      last_mark_(exchange.received_at()),
      started_(services.clock.system_now()) {
  services_.metrics.in_flight(1);
}

Report::~Report() { services_.metrics.in_flight(-1); }

std::chrono::nanoseconds Report::since_received() const {
  return services_.clock.steady_now() - exchange_.received_at();
}

void Report::mark(observe::Phase phase) {
  const auto now = services_.clock.steady_now();
  facts_.phases[static_cast<std::size_t>(phase)] += now - last_mark_;
  last_mark_ = now;
}

void Report::caller(const auth::Principal& who) { who_ = who; }

void Report::model(const std::string& name, bool configured, bool stream) {
  model_ = name;
  model_configured_ = configured;
  facts_.stream = stream;
}

void Report::pii(const pii::Scrubbed& scrubbed, const std::string& rule_pack) {
  pii_ = scrubbed.counts;
  audit_ = audit_text(scrubbed.audit);
  rule_pack_ = rule_pack;
}

finops::UsageRecord Report::base_record() const {
  finops::UsageRecord record;
  record.request_id = exchange_.request_id();
  record.started_at_ms = unix_ms(started_);
  record.organisation = view_.snapshot->organisation;
  record.config_generation = view_.snapshot->generation;
  record.operation = providers::to_string(api_);
  record.stream = facts_.stream;
  record.model_asked = model_;
  record.pii_found = pii_.total();
  record.rule_pack = rule_pack_;
  if (!who_) return record;
  record.department = who_->department->id;
  record.cost_center = who_->department->cost_center_at(started_);
  record.credential = who_->credential;
  if (const auto* application = who_->application) {
    record.application = application->id;
    record.purpose = application->purpose;
    record.use_case = application->use_case;
  }
  return record;
}

bool Report::write_row(const finops::UsageRecord& record) const { return relayed() || services_.ring.push(record); }

void Report::refuse_row(const Error& error) {
  auto record = base_record();
  record.event_id = services_.ids.next(services_.clock.system_now());
  record.status = http_status(error.kind);
  record.outcome = to_string(error.kind);
  record.latency_ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_received()).count();
  ++rows_;
  last_ = std::move(record);
  if (write_row(last_)) return;
  services_.log.write(LogLevel::error, "ledger_ring_full", "a refusal could not be recorded: the ledger is stalled",
                      {});
}

void Report::attempt(finops::UsageRecord ended) {
  ++rows_;
  last_ = std::move(ended);
  const auto& record = last_;
  services_.metrics.attempt({record.provider, record.model_served, record.outcome});
  facts_.fallback = facts_.fallback || record.fallback;
  facts_.input_tokens += record.input_tokens;
  facts_.output_tokens += record.output_tokens;
  facts_.cached_tokens += record.cached_input_tokens;
  facts_.reasoning_tokens += record.reasoning_tokens;
  facts_.cost_nano += record.cost_nano;
  if (record.ttft_ms >= 0) facts_.ttft = std::chrono::milliseconds(record.ttft_ms);
  if (record.gateway_us >= 0 && facts_.added.count() < 0) facts_.added = std::chrono::microseconds(record.gateway_us);
}

void Report::close(int status, std::string_view outcome) {
  facts_.total = since_received();
  facts_.department = who_ ? std::string_view(who_->department->id) : std::string_view("none");
  facts_.model = model_configured_ ? std::string_view(model_) : std::string_view("unknown");
  facts_.passed_on = relayed();
  facts_.outcome = outcome;
  facts_.currency = last_.currency;
  services_.metrics.call(facts_);
  for (const auto& [type, action, count] : pii_.entries())
    services_.metrics.count(
        "tollgate_pii_found_total",
        {{"department", facts_.department}, {"type", std::string_view(type)}, {"action", pii::to_string(action)}},
        count);
  if (restored_ > 0)
    services_.metrics.count("tollgate_pii_restored_total", {{"department", facts_.department}}, restored_);
  log_call(status, outcome);
}

void Report::log_call(int status, std::string_view outcome) {
  const std::string id = exchange_.request_id().to_string();
  services_.log.write(LogLevel::info, "call", {},
                      {{"request_id", id},
                       {"department", facts_.department},
                       {"application", std::string_view(last_.application)},
                       {"credential", std::string_view(last_.credential)},
                       {"model", facts_.model},
                       {"provider", std::string_view(last_.provider)},
                       {"served", std::string_view(last_.model_served)},
                       {"status", std::int64_t{status}},
                       {"outcome", outcome},
                       {"stream", facts_.stream},
                       {"attempts", std::int64_t{rows_}},
                       {"fallback", facts_.fallback},
                       {"input_tokens", facts_.input_tokens},
                       {"output_tokens", facts_.output_tokens},
                       {"cost_nano", facts_.cost_nano},
                       {"currency", std::string_view(last_.currency)},
                       {"pii_found", pii_.total()},
                       {"pii", std::string_view(audit_)},
                       {"rule_pack", std::string_view(rule_pack_)},
                       {"duration_us", std::chrono::duration_cast<std::chrono::microseconds>(facts_.total).count()},
                       {"ttft_ms", last_.ttft_ms},
                       {"added_us", last_.gateway_us}});
}

}  // namespace tollgate::pipeline
