#include "gateway/pipeline/attempts.h"

#include <algorithm>

#include "gateway/base/money.h"
#include "gateway/pipeline/answer.h"
#include "gateway/pipeline/kept.h"
#include "gateway/pipeline/ledger_room.h"
#include "providers/front_end.h"
#include "providers/kinds.h"

namespace tollgate::pipeline {

using net::Task;
using providers::Batch;
using providers::Event;

namespace {

// Why the owner cancelled an event stream: the error that next() then returns says only "cancelled".
enum class Cut : std::uint8_t { none, client_gone, first_content, idle };

// A provider that refuses has used nothing, but for those that had read the prompt by then: Azure OpenAI bills what its
// filter refused (400 content_filter) and what took it too long (408).
bool refused_for_free(const Error& error) {
  if (error.upstream_status < 400 || error.upstream_status >= 500) return false;
  return error.upstream_status != 408 && error.code != "content_filter";
}

Error lost(const std::string& fields) {
  return invalid_value(fields.substr(0, fields.find(',')),
                       "The provider of this model has no place for: " + fields +
                           ". Leave that out, or call a model whose provider has it.",
                       "unsupported_parameter");
}

// One attempt at one target, from the intent record to the final one.
class Attempt {
 public:
  Attempt(const Dispatch& dispatch, const routing::Candidate& candidate, std::uint32_t number, Report& report);

  // ok: answered (see Dispatch). Error: as run_attempts.
  Task<Status> run();
  // What it used, for the ticket; an estimate where the provider did not say.
  std::int64_t tokens_used() const { return tokens_used_; }
  // The policies do not let its answer pass: no other target is asked.
  bool refused() const { return unknown_.refused(); }

 private:
  bool write_intent();
  Task<Status> answer_estimate();
  bool refuses_lossy() const;
  providers::PoolCaller caller() const;
  Task<Status> relay();
  void observe(const Batch& batch);
  Status name_kept(Batch& batch) const;
  Error explain(Error error) const;
  std::string lossy() const;
  void miss_pools_time() const;
  void record_input();
  void settle_usage();
  Task<Status> finish();
  Task<Status> fail(Error error);
  void close_record(int status, std::string_view outcome);
  void add_answer_headers();
  providers::EncoderOptions encoder_options() const;

  const Dispatch& d_;
  const providers::FrontEnd& front_;
  const routing::Candidate& candidate_;
  Report& report_;
  finops::UsageRecord record_;  // moved to the report when it is closed
  std::int64_t tokens_used_ = 0;
  SteadyTime started_;
  Answer answer_;
  UnknownAnswer unknown_;
  server::HeaderLines headers_;
  std::unique_ptr<providers::EventStream> stream_;
  providers::Usage usage_;
  net::Deadline deadline_;
  Cut cut_ = Cut::none;
  bool to_pool_ = false;  // the target's models are another Tollgate's
  bool content_seen_ = false;
  bool streamed_;  // the answer; a form that asks for it does so in a field, which may come after its file
};

Attempt::Attempt(const Dispatch& dispatch, const routing::Candidate& candidate, std::uint32_t number, Report& report)
    : d_(dispatch),
      front_(providers::front_end(dispatch.call->api)),
      candidate_(candidate),
      report_(report),
      record_(report.base_record()),
      started_(dispatch.services.clock.steady_now()),
      answer_(dispatch.exchange, encoder_options(), dispatch.screened.pii.restore),
      unknown_(dispatch.services.unknown_kinds, dispatch.services.metrics, dispatch.services.log,
               {dispatch.screened.on_unknown, dispatch.who.department->id, candidate.target.provider,
                inside_the_house(dispatch.view, candidate)}),
      headers_(dispatch.headers),
      deadline_(dispatch.services.sweep,
                [this] {
                  cut_ = content_seen_ ? Cut::idle : Cut::first_content;
                  stream_->cancel();
                }),
      streamed_(dispatch.call->index.stream) {
  record_.event_id = d_.services.ids.next(d_.services.clock.system_now());
  record_.attempt = number;
  record_.provider = candidate.target.provider;
  record_.model_served = candidate.target.model;
  record_.fallback = candidate.fallback;
  record_.gateway_us = std::chrono::duration_cast<std::chrono::microseconds>(report.since_received()).count();
  const auto provider = d_.view.snapshot->providers.find(candidate.target.provider);
  if (provider == d_.view.snapshot->providers.end()) return;
  record_.processing_region = provider->second->processing_region;
  to_pool_ = providers::is_pool(provider->second->kind);
}

providers::EncoderOptions Attempt::encoder_options() const {
  providers::EncoderOptions options;
  options.stream = d_.call->index.stream;
  options.include_usage = d_.call->index.include_usage;
  options.id = front_.id_prefix;
  options.id += d_.exchange.request_id().to_string();
  options.created = unix_ms(d_.services.clock.system_now()) / 1000;
  options.model = d_.model.name;
  // The tokens of log probabilities would show what was hidden, in pieces.
  options.strip_logprobs = !d_.screened.pii.restore.empty();
  options.call = d_.call;
  options.request_id = d_.exchange.request_id().to_string();
  return options;
}

// The row that stands if this process dies before the attempt ends: never a hole.
bool Attempt::write_intent() {
  record_.kind = finops::RecordKind::intent;
  if (front_.generates) {
    record_.input_tokens = d_.estimated_input;
    record_.usage_source = finops::UsageSource::estimated;
  }
  record_.outcome = "unknown";
  finops::rate(record_, *d_.view.snapshot->prices);
  const bool written = report_.write_row(record_);
  record_.kind = finops::RecordKind::final;
  record_.input_tokens = 0;
  record_.usage_source = finops::UsageSource::none;
  return written;
}

Task<Status> Attempt::run() {
  const auto upstream = d_.view.upstreams.find(candidate_.target.provider);
  if (upstream == d_.view.upstreams.end())
    co_return Error{ErrorKind::internal, "The model is routed to a provider that is not configured."};
  while (!write_intent())
    if (const bool again = co_await rest_while_full(d_.services.ring, started_); !again) co_return ledger_unavailable();
  if (!front_.generates && !upstream->second->speaks(d_.call->api)) co_return co_await answer_estimate();
  providers::AttemptRequest request;
  request.call = d_.call;
  request.edits = d_.screened.edits;
  request.upstream_model = candidate_.target.model;
  const auto& timeouts = candidate_.target.timeouts;
  request.timeouts = {timeouts.connect, timeouts.first_content, timeouts.idle};
  request.request_id = d_.exchange.request_id().to_string();
  request.department = d_.who.department->id;
  if (to_pool_) request.pool_headers = providers::pool_headers(caller(), refuses_lossy());
  for (const std::string_view name : front_.forwarded_headers)
    if (const auto value = d_.exchange.head().header(name); !value.empty())
      request.client_headers.push_back({std::string(name), std::string(value)});
  request.form = d_.form;
  stream_ = upstream->second->start(std::move(request));
  if (refuses_lossy() && !stream_->lossy().empty()) {
    Error error = lost(stream_->lossy());
    co_return co_await fail(std::move(error));
  }
  d_.exchange.on_client_gone([this] {
    cut_ = Cut::client_gone;
    stream_->cancel();
  });
  // How long an upload takes is the client's affair; from its last byte on, the transport counts.
  if (!d_.form) deadline_.set(timeouts.first_content);
  auto relayed = co_await relay();
  d_.exchange.on_client_gone(nullptr);
  deadline_.clear();
  if (relayed) co_return co_await finish();
  Error error = explain(std::move(relayed).error());
  co_return co_await fail(std::move(error));
}

providers::PoolCaller Attempt::caller() const {
  providers::PoolCaller out;
  out.department = d_.who.department->id;
  if (const auto* application = d_.who.application) {
    out.application = application->id;
    out.criticality = application->criticality;
  }
  return out;
}

// The operator's word, which a caller can only make stricter.
bool Attempt::refuses_lossy() const {
  return d_.model.refuse_lossy || d_.exchange.head().header("x-tollgate-lossy") == "refuse";
}

// A target that cannot count is not asked: what the estimator has learned of the model is the answer.
Task<Status> Attempt::answer_estimate() {
  Batch batch;
  Event& usage = batch.events.emplace_back();
  usage.kind = Event::Kind::usage;
  usage.usage.input = d_.estimated_input;
  batch.events.emplace_back().kind = Event::Kind::done;
  TG_CO_CHECK(co_await answer_.write(std::move(batch), Answer::Follow::nothing_yet, headers_));
  add_answer_headers();
  close_record(200, "ok");
  server::HeaderLines no_trailers;
  (void)co_await answer_.finish(std::move(headers_), std::move(no_trailers));
  co_return Status();
}

Task<Status> Attempt::relay() {
  for (;;) {
    auto batch = co_await stream_->next();
    if (!batch) co_return std::move(batch).error();
    if (!*batch) co_return Status();
    observe(**batch);
    TG_CO_CHECK(unknown_.judge((*batch)->unknown));
    if (d_.form && front_.form->calls) TG_CO_CHECK(name_kept(**batch));
    const auto follow = stream_->buffered() ? Answer::Follow::more_at_hand : Answer::Follow::nothing_yet;
    auto written = co_await answer_.write(std::move(**batch), follow, headers_);
    if (!written) {
      cut_ = Cut::client_gone;
      co_return std::move(written).error();
    }
  }
}

void Attempt::observe(const Batch& batch) {
  if (d_.form && !batch.whole_body && !streamed_) {
    streamed_ = record_.stream = true;
    answer_.send_as_it_comes();
  }
  if (!batch.served_model.empty()) record_.model_served = batch.served_model;
  for (const auto& event : batch.events)
    if (event.kind == Event::Kind::usage) usage_ = providers::merged(usage_, event.usage);
  if (!content_seen_ && batch.has_content()) {
    content_seen_ = true;
    record_.ttft_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(d_.services.clock.steady_now() - started_).count();
    report_.mark(observe::Phase::upstream);
    add_answer_headers();
    if (!batch.content_type.empty() && !streamed_) headers_.add("content-type", batch.content_type);
  }
  deadline_.set(content_seen_ ? candidate_.target.timeouts.idle : candidate_.target.timeouts.first_content);
}

// The file that the provider keeps from here on, by a name of ours.
Status Attempt::name_kept(Batch& batch) const {
  const auto names = kept_names(d_.services, d_.who, candidate_.target.provider);
  TG_TRY(batch.frame, providers::rename_object(providers::Kept::file, batch.frame, names));
  return {};
}

void Attempt::add_answer_headers() {
  if (streamed_) {
    headers_.add("content-type", front_.stream_type);
    headers_.add("x-accel-buffering", "no");
    if (d_.who.relayed_as) headers_.add("trailer", providers::kComputeHeader);
  }
  if (!front_.request_id_header.empty()) headers_.add(front_.request_id_header, d_.exchange.request_id().to_string());
  headers_.add("x-tollgate-provider", record_.provider);
  headers_.add("x-tollgate-model", candidate_.target.model);
  headers_.add("x-tollgate-attempts", std::int64_t{record_.attempt});
  if (record_.fallback) headers_.add("x-tollgate-fallback", "true");
  if (const auto lost = lossy(); !lost.empty()) headers_.add("x-tollgate-lossy", lost);
}

// A cancelled stream was cancelled by us: say what for.
Error Attempt::explain(Error error) const {
  switch (cut_) {
    case Cut::client_gone:
      return Error{ErrorKind::cancelled, "The client left."};
    case Cut::first_content:
      return Error{.kind = ErrorKind::upstream_timeout,
                   .message = "The model did not begin to answer in time.",
                   .code = "upstream_timeout"};
    case Cut::idle:
      return Error{.kind = ErrorKind::upstream_timeout,
                   .message = "The model stopped in the middle of its answer.",
                   .code = "upstream_timeout"};
    case Cut::none:
      break;
  }
  return error;
}

std::string Attempt::lossy() const {
  if (!stream_) return {};
  std::string here = stream_->lossy();
  const std::string there = to_pool_ ? stream_->pool_report().lossy : std::string();
  if (!here.empty() && !there.empty()) here += ", ";
  return here + there;
}

// What a pool tells comes with the end of its answer.
void Attempt::miss_pools_time() const {
  if (!to_pool_ || !front_.generates || stream_->pool_report().compute_us >= 0) return;
  d_.services.log.write(LogLevel::warning, "pool_told_no_time",
                        "a pool's answer came without its computing time: does a proxy on the way drop trailers?",
                        {{"provider", std::string_view(record_.provider)}});
}

void Attempt::record_input() {
  record_.input_tokens = usage_.input;
  record_.cached_input_tokens = usage_.cached_input;
  record_.cache_write_tokens = usage_.cache_write;
  record_.audio_ms = usage_.audio_ms;
  record_.compute_us = to_pool_ ? std::max<std::int64_t>(stream_->pool_report().compute_us, 0) : usage_.compute_us;
}

// Usage is always known: the provider's figures, or an estimate that says so.
void Attempt::settle_usage() {
  if (!front_.generates) return;  // nothing that a provider bills
  if (usage_.known()) {
    record_input();
    record_.output_tokens = usage_.output;
    record_.reasoning_tokens = usage_.reasoning;
    record_.usage_source = finops::UsageSource::provider_final;
    d_.services.estimator.learn(d_.model.name, d_.call->index.text_bytes, usage_.input);
  } else if (stream_ && stream_->dispatched()) {
    if (usage_.input >= 0)
      record_input();
    else
      record_.input_tokens = d_.estimated_input;
    record_.output_tokens = d_.services.estimator.output_tokens(d_.model.name, answer_.text_bytes());
    record_.usage_source = finops::UsageSource::estimated;
  }
}

void Attempt::close_record(int status, std::string_view outcome) {
  record_.status = status;
  record_.outcome = outcome;
  if (stream_) record_.upstream_request_id = stream_->provider_request_id();
  record_.pii_found = d_.screened.pii.counts.total();  // of a form that was scrubbed as it came
  record_.latency_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(d_.services.clock.steady_now() - started_).count();
  finops::rate(record_, *d_.view.snapshot->prices);
  if (!report_.write_row(record_))
    d_.services.log.write(LogLevel::error, "ledger_ring_full",
                          "a final record did not fit: its intent will stand as an estimate", {});
  report_.restored(answer_.restored());
  tokens_used_ = record_.input_tokens + record_.output_tokens;
  report_.attempt(std::move(record_));
}

Task<Status> Attempt::finish() {
  settle_usage();
  miss_pools_time();
  d_.services.health.succeeded(candidate_.target.key());
  // The row goes in before the last byte leaves: a client that has its answer has been billed.
  close_record(200, "ok");
  const auto& row = report_.last();
  if (!streamed_ && row.cost_nano > 0) headers_.add("x-tollgate-cost", format_nano(row.cost_nano) + " " + row.currency);
  server::HeaderLines trailers;
  if (d_.who.relayed_as) (streamed_ ? trailers : headers_).add(providers::kComputeHeader, row.compute_us);
  // A client that left now has lost only its answer's tail.
  (void)co_await answer_.finish(std::move(headers_), std::move(trailers));
  report_.mark(observe::Phase::respond);
  co_return Status();
}

Task<Status> Attempt::fail(Error error) {
  const auto outcome = routing::classify(error);
  if (!refused_for_free(error)) settle_usage();
  if (routing::speaks_against_target(outcome) && !refused()) {
    const auto hint = error.retry_after.value_or(std::chrono::milliseconds(0));
    d_.services.health.failed(candidate_.target.key(), std::max(hint, candidate_.target.cool_down));
  }
  close_record(http_status(error.kind), to_string(error.kind));
  if (!answer_.committed()) co_return error;
  if (error.kind != ErrorKind::cancelled) (void)co_await answer_.fail(error);
  co_return Status();
}

}  // namespace

Task<Status> run_attempts(Dispatch dispatch, routing::AttemptPolicy policy, ratelimit::Ticket ticket, Report& report) {
  std::int64_t used = 0;
  for (std::uint32_t number = 1;; ++number) {
    const routing::Candidate candidate = *policy.current();
    Attempt attempt(dispatch, candidate, number, report);
    auto answered = co_await attempt.run();
    used += attempt.tokens_used();
    const bool spent = dispatch.form && !dispatch.form->untouched();
    if (answered || spent || attempt.refused() || !policy.next_after(routing::classify(answered.error()))) {
      ticket.settle(used);
      co_return answered;
    }
  }
}

}  // namespace tollgate::pipeline
