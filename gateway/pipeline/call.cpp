#include "gateway/pipeline/call.h"

#include "config/scalars.h"
#include "gateway/pipeline/admission.h"
#include "gateway/pipeline/attempts.h"
#include "gateway/pipeline/headers.h"
#include "gateway/pipeline/replica.h"
#include "gateway/pipeline/report.h"
#include "gateway/pipeline/screen.h"
#include "providers/front_end.h"

namespace tollgate::pipeline {

using net::Task;
using observe::Phase;

Status acceptable_encoding(const net::HeadFacts& head) {
  const auto coding = head.header("content-encoding");
  if (coding.empty() || net::iequals(coding, "identity")) return {};
  return Error{.kind = ErrorKind::unsupported_media_type,
               .message = "Compressed request bodies are not accepted. Send the body without Content-Encoding.",
               .code = "unsupported_content_encoding",
               .retryable = false};
}

namespace {

// The model the caller named, if it exists and the department may use it.
Result<std::shared_ptr<const config::Model>> find_model(const View& view, const auth::Principal& who,
                                                        const std::string& name) {
  const auto it = view.snapshot->models.find(name);
  if (it == view.snapshot->models.end())
    return Error{
        .kind = ErrorKind::not_found,
        .message = "The model `" + config::printable(name) + "` does not exist. GET /v1/models lists what you may use.",
        .code = "model_not_found",
        .param = "model",
        .retryable = false};
  if (!who.department->may_use(name))
    return Error{.kind = ErrorKind::permission_denied,
                 .message = "Department `" + who.department->id + "` does not have access to model `" + name +
                            "`. GET /v1/models lists what you may use.",
                 .code = "model_not_found",
                 .param = "model",
                 .retryable = false};
  return it->second;
}

// The most this call can use: what the estimator says of the prompt, and every completion at its cap.
std::int64_t upper_bound(const providers::CallIndex& index, const config::Model& model, std::int64_t input) {
  return input + index.max_tokens.value_or(model.default_max_tokens) * index.n;
}

// Leaves the candidates whose provider has such an API; all of them where none has, for that is what the caller hears.
void prefer_able(const View& view, providers::Api api, std::vector<routing::Candidate>& candidates) {
  std::vector<routing::Candidate> able;
  for (const auto& candidate : candidates) {
    const auto upstream = view.upstreams.find(candidate.target.provider);
    if (upstream != view.upstreams.end() && upstream->second->speaks(api)) able.push_back(candidate);
  }
  if (!able.empty()) candidates = std::move(able);
}

// What the route says of a call.
struct Asked {
  providers::Api api;
  std::string model;  // in the path; may be empty
  bool stream;        // by the path
};

// No client can know it, so no file can hold it.
std::string new_boundary(const Services& services, const server::Exchange& exchange) {
  return "tollgate-" + exchange.request_id().to_string() + "-" + std::to_string(services.random());
}

// A form is read up to the name of its model; the rest is scrubbed as it passes, into `screened`.
Task<Result<providers::Call>> receive_form(const Services& services, const View& view, server::Exchange& exchange,
                                           const auth::Principal& who, const pii::Policies& policies, Asked asked,
                                           Screened& screened, FormGuard& upload) {
  const providers::FormRules& rules = *providers::front_end(asked.api).form;
  if (rules.calls)
    upload.calls = std::make_unique<BatchFile>(services, view, who, policies, screened);
  else
    TG_CO_CHECK(allow_opaque(policies, screened));
  TG_CO_TRY(std::string boundary, providers::form_boundary(exchange.head().header("content-type")));
  const config::Listen& listen = view.snapshot->listen;
  auto scrub = [&](std::string text) { return screen_text(services, view, who, policies, std::move(text), screened); };
  FormOptions options{rules,
                      std::move(boundary),
                      new_boundary(services, exchange),
                      listen.max_upload_bytes,
                      listen.max_upload_held,
                      std::move(asked.model),
                      std::move(scrub),
                      upload.calls.get()};
  const net::Executor executor = co_await net::asio::this_coro::executor;
  upload.form = std::make_shared<ClientForm>(executor, exchange, std::move(options));
  screened.rule_pack = policies.rule_pack();
  providers::Call call;
  call.api = asked.api;
  call.body = std::make_shared<const std::string>();
  TG_CO_TRY(call.model, co_await upload.form->find_model());
  call.index.model_name = call.model;
  call.index.max_tokens = 0;  // nothing is reserved for an answer whose length nobody can tell
  co_return call;
}

// One walk over the bytes; what it cannot vouch for never reaches a policy or a provider.
Task<Result<providers::Call>> receive_body(server::Exchange& exchange, Asked asked, Report& report) {
  TG_CO_TRY(std::string body, co_await exchange.read_body());
  report.mark(Phase::receive);
  auto bytes = std::make_shared<const std::string>(std::move(body));
  auto call = providers::front_end(asked.api).decode(std::move(bytes), std::move(asked.model));
  if (call) call->index.stream = call->index.stream || asked.stream;
  co_return call;
}

// The stages. ok: the client has its answer. Error: nothing was sent yet.
Task<Status> run_stages(const Services& services, const View& view, server::Exchange& exchange, Asked asked,
                        Report& report) {
  // Strangers buy nothing: the key is checked on the head, before the body is read or "100 Continue" is sent.
  TG_CO_TRY(const auth::Principal who, authenticate(services, view, exchange.head()));
  report.caller(who);
  if (who.relayed_as) exchange.adopt_request_id(*who.relayed_as);
  report.mark(Phase::authenticate);

  // A body we cannot read would bypass every policy.
  TG_CO_CHECK(acceptable_encoding(exchange.head()));
  const providers::FrontEnd& front = providers::front_end(asked.api);
  if (who.relayed_as && front.form != nullptr) co_return not_relayed();
  TG_CO_TRY(pii::Policies policies, policies_of(services, view, who));
  Screened screened;
  FormGuard upload;  // after what it uses
  providers::Call received;
  if (front.form != nullptr) {
    TG_CO_TRY(received,
              co_await receive_form(services, view, exchange, who, policies, std::move(asked), screened, upload));
  } else {
    TG_CO_TRY(received, co_await receive_body(exchange, std::move(asked), report));
  }
  const auto call = std::make_shared<const providers::Call>(std::move(received));

  // The model is allowed or not before anything is spent on the call.
  const bool configured = view.snapshot->models.contains(call->model);
  report.model(call->model, configured, call->index.stream);
  TG_CO_TRY(const auto model, find_model(view, who, call->model));
  report.mark(Phase::decode);

  // Scrubbed before it is routed: no later stage sees what may not leave.
  if (!who.relayed_as) policies.add(model->pii.get());
  if (upload.form) {
    if (!upload.calls) note_opaque(services, who, policies);
    if (!upload.calls) TG_CO_CHECK(allow_opaque(policies, screened));
    TG_CO_CHECK(allow_unanalysed(services, view, policies));
  } else {
    TG_CO_TRY(const Analysed analysed, co_await analyse(services, view, policies, *call));
    screened = screen(services, view, who, policies, *call, analysed);
  }
  if (!policies.empty()) screened.on_unknown = policies.on_opaque();
  report.pii(screened.pii, screened.rule_pack);
  report.mark(Phase::scrub);
  if (screened.refusal) co_return *screened.refusal;

  // Where it may go, before it is admitted: the reservation covers the worst of them.
  const std::string criticality = who.application != nullptr ? who.application->criticality : std::string("high");
  auto candidates = routing::plan(model->route, criticality, services.health, services.random());
  TG_CO_CHECK(keep_permitted(view, screened, model->name, candidates));
  // What is sent once goes where it can be taken.
  if (upload.form) prefer_able(view, call->api, candidates);
  routing::AttemptPolicy policy(std::move(candidates));
  if (policy.current() == nullptr)
    co_return Error{ErrorKind::internal, "The model has no target that this application may use."};
  report.mark(Phase::plan);

  // One atomic admit over every scope; from here on the ticket settles whatever happens.
  const auto estimated = services.estimator.input_tokens(model->name, call->index.text_bytes);
  const auto reserve = front.generates ? upper_bound(call->index, *model, estimated) : 0;
  TG_CO_TRY(Admitted admitted, co_await admit(services, view, who, model.get(), reserve, report));
  report.mark(Phase::admit);

  Dispatch dispatch{services,   view, exchange, call, screened, *model, who, estimated, std::move(admitted.headers),
                    upload.form};
  auto served = co_await run_attempts(std::move(dispatch), std::move(policy), std::move(admitted.ticket), report);
  if (upload.form) report.pii(screened.pii, screened.rule_pack);  // its fields may have come after its file
  co_return served;
}

}  // namespace

Result<auth::Principal> authenticate(const Services& services, const View& view, const net::HeadFacts& head) {
  const auto key = auth::presented_key(head);
  if (const config::Replica* replica = auth::find_replica(key, view.snapshot->replicas, services.hasher))
    return caller_of(*replica, head, *view.snapshot);
  auto who = auth::authenticate(key, *view.credentials, services.hasher, *view.snapshot, services.clock.system_now());
  if (who)
    services.note_use(who->credential);
  else
    services.metrics.count("tollgate_auth_failures_total", {{"reason", key.empty() ? "missing" : "invalid"}});
  if (!who && key.empty() && head.header("authorization").starts_with("AWS4-HMAC-SHA256"))
    return Error{.kind = ErrorKind::unauthenticated,
                 .message =
                     "Signed requests are not taken: set the environment variable AWS_BEARER_TOKEN_BEDROCK to "
                     "your key for this gateway.",
                 .code = "invalid_api_key",
                 .retryable = false};
  return who;
}

Task<void> answer_error(server::Exchange& exchange, providers::Api api, Error error, server::HeaderLines headers) {
  add_retry_headers(error, headers);
  const bool as_is = !error.upstream_body.empty();
  const providers::FrontEnd& front = providers::front_end(api);
  const std::string id = exchange.request_id().to_string();
  if (!front.request_id_header.empty()) headers.add(front.request_id_header, id);
  if (front.error_type != nullptr) headers.add("x-amzn-errortype", front.error_type(error));
  const std::string body = front.error_body(error, id);
  const int status = as_is ? error.upstream_status : http_status(error.kind);
  (void)co_await exchange.respond(status, std::move(headers), body);
}

Task<void> conclude(server::Exchange& exchange, providers::Api api, Report& report, Status served) {
  if (served) {
    report.close(200, report.has_rows() ? std::string_view(report.last().outcome) : "ok");
    co_return;
  }
  const Error& error = served.error();
  // Strangers' refusals are figures; an authenticated caller's refusal is a row.
  if (report.has_caller() && !report.has_rows()) report.refuse_row(error);
  if (error.kind != ErrorKind::cancelled) co_await answer_error(exchange, api, error, report.refused_at());
  report.close(http_status(error.kind), to_string(error.kind));
}

namespace {

Task<void> serve(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange, Asked asked) {
  const providers::Api api = asked.api;
  Report report(services, *view, exchange, api);
  auto served = co_await run_stages(services, *view, exchange, std::move(asked), report);
  co_await conclude(exchange, api, report, std::move(served));
}

}  // namespace

Task<void> serve_call(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                      providers::Api api, std::string model) {
  Asked asked{api, std::move(model), false};
  co_await serve(services, std::move(view), exchange, std::move(asked));
}

Task<void> serve_stream(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                        providers::Api api, std::string model) {
  Asked asked{api, std::move(model), true};
  co_await serve(services, std::move(view), exchange, std::move(asked));
}

}  // namespace tollgate::pipeline
