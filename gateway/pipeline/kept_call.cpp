#include "gateway/pipeline/kept_call.h"

#include <algorithm>
#include <utility>

#include "gateway/pipeline/admission.h"
#include "gateway/pipeline/call.h"
#include "gateway/pipeline/kept.h"
#include "gateway/pipeline/replica.h"
#include "providers/abilities.h"

namespace tollgate::pipeline {

using net::Task;
using providers::Api;
using providers::Kept;

namespace {

constexpr std::size_t kMaxObject = std::size_t{4} * 1024 * 1024;  // a page of a hundred batches has some 100 KiB

std::string_view prefix_of(Kept what) { return what == Kept::file ? "file-" : "batch_"; }

Error not_found() {
  return Error{.kind = ErrorKind::not_found,
               .message = "There is no such file or batch: it may be another department's, or have been deleted.",
               .code = "not_found",
               .retryable = false};
}

Task<Status> run(KeptCall& call, KeptWork work, std::string name) {
  call.report.mark(observe::Phase::authenticate);
  TG_CO_TRY(auto admitted, co_await admit(call.services, call.view, call.who, nullptr, 0, call.report));
  call.headers = std::move(admitted.headers);
  call.report.mark(observe::Phase::admit);
  auto done = co_await work(call, std::move(name));
  admitted.ticket.settle(0);
  co_return done;
}

}  // namespace

providers::KeptNames kept_names(const Services& services, const auth::Principal& who, std::string provider) {
  const std::string& department = who.department->id;
  auto ours = [&handles = services.handles, department, provider = std::move(provider)](Kept what,
                                                                                        std::string_view id) {
    return handles.seal(prefix_of(what), department, {provider, std::string(id)});
  };
  return {std::move(ours), services.handles.owner_mark(department)};
}

Kept kept_by(Api api) { return api == Api::batches ? Kept::batch : Kept::file; }

Result<auth::Handle> open_name(const KeptCall& call, Kept what, const std::string& name) {
  auto handle = call.services.handles.open(prefix_of(what), call.who.department->id, name);
  if (!handle) return not_found();
  return *std::move(handle);
}

Task<void> run_kept(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange, Api api,
                    std::string name, KeptWork work) {
  Report report(services, *view, exchange, api);
  auto who = authenticate(services, *view, exchange.head());
  Status served;
  if (who && who->relayed_as) {
    served = not_relayed();
  } else if (who) {
    report.caller(*who);
    KeptCall call{services, *view, exchange, report, api, *who, {}};
    served = co_await run(call, work, std::move(name));
  } else {
    served = std::move(who).error();
  }
  co_await conclude(exchange, api, report, std::move(served));
}

ProviderRequest::~ProviderRequest() {
  call_.exchange.on_client_gone(nullptr);
  if (!stream_) return;
  if (!ended_) record_.outcome = to_string(ErrorKind::cancelled);
  record_.upstream_request_id = stream_->provider_request_id();
  record_.latency_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(call_.services.clock.steady_now() - started_).count();
  if (!call_.services.ring.push(record_))
    call_.services.log.write(LogLevel::error, "ledger_ring_full", "a record did not fit: the ledger is stalled", {});
  call_.report.attempt(std::move(record_));
}

Status ProviderRequest::start(providers::Resource resource, std::shared_ptr<const providers::Call> body,
                              std::vector<providers::Edit> edits) {
  const auto upstream = call_.view.upstreams.find(provider_);
  if (upstream == call_.view.upstreams.end() || !upstream->second->speaks(call_.api)) return not_found();
  record_ = call_.report.base_record();
  record_.event_id = call_.services.ids.next(call_.services.clock.system_now());
  record_.provider = provider_;
  record_.processing_region = call_.view.snapshot->providers.at(provider_)->processing_region;
  started_ = call_.services.clock.steady_now();
  providers::AttemptRequest request;
  request.call = std::move(body);
  if (!request.call)
    request.call = std::make_shared<const providers::Call>(
        providers::Call{.api = call_.api, .body = std::make_shared<const std::string>(), .index = {}, .model = {}});
  request.edits = std::move(edits);
  request.request_id = call_.exchange.request_id().to_string();
  request.resource = std::move(resource);
  stream_ = upstream->second->start(std::move(request));
  call_.exchange.on_client_gone([this] { stream_->cancel(); });
  return {};
}

Task<Result<std::optional<std::string>>> ProviderRequest::next() {
  auto batch = co_await stream_->next();
  ended_ = !batch || !*batch;
  record_.status = batch ? 200 : http_status(batch.error().kind);
  record_.outcome = batch ? "ok" : to_string(batch.error().kind);
  if (!batch) co_return std::move(batch).error();
  if (!*batch) co_return std::optional<std::string>();
  co_return std::optional(std::move((*batch)->frame));
}

Task<Result<std::string>> ProviderRequest::whole() {
  std::string out;
  for (;;) {
    TG_CO_TRY(auto piece, co_await next());
    if (!piece) co_return out;
    out += *piece;
    if (out.size() > kMaxObject)
      co_return Error{.kind = ErrorKind::upstream_error,
                      .message = "The provider's answer is longer than what it keeps can be.",
                      .code = "upstream_too_long"};
  }
}

std::string object_path(const auth::Handle& handle, std::string_view operation) {
  return "/" + handle.id + std::string(operation);
}

void record_batch(const KeptCall& call, const std::string& provider, const std::string& output_file,
                  const providers::BatchTotal& total, bool complete) {
  if (total.model.empty() || !total.usage.known()) return;
  auto record = call.report.base_record();
  record.event_id = call.services.handles.record_id({provider, output_file});
  record.operation = providers::to_string(Api::batches);
  record.provider = provider;
  record.processing_region = call.view.snapshot->providers.at(provider)->processing_region;
  record.model_asked = record.model_served = total.model;
  record.input_tokens = total.usage.input;
  record.cached_input_tokens = total.usage.cached_input;
  record.cache_write_tokens = total.usage.cache_write;
  record.output_tokens = total.usage.output;
  record.reasoning_tokens = total.usage.reasoning;
  record.usage_source = complete ? finops::UsageSource::provider_final : finops::UsageSource::estimated;
  record.status = 200;
  record.outcome = "ok";
  finops::rate(record, *call.view.snapshot->prices);
  if (!call.services.ring.push(record))
    call.services.log.write(LogLevel::error, "ledger_ring_full", "a batch's usage could not be recorded", {});
}

}  // namespace tollgate::pipeline
