#include "gateway/pipeline/kept.h"

#include <utility>

#include "gateway/pipeline/call.h"
#include "gateway/pipeline/kept_call.h"
#include "gateway/pipeline/screen.h"

namespace tollgate::pipeline {

using net::Task;
using providers::Api;
using providers::Kept;

namespace {

// Answers with the object by names of ours; a batch that has ended says what it has used.
Task<Status> answer_object(KeptCall& call, const std::string& provider, std::string body) {
  const auto names = kept_names(call.services, call.who, provider);
  TG_CO_TRY(const std::string ours, providers::rename_object(kept_by(call.api), body, names));
  if (call.api == Api::batches) {
    const auto ended = providers::read_ended_batch(body);
    if (!ended.output_file.empty()) record_batch(call, provider, ended.output_file, ended.total, true);
  }
  (void)co_await call.exchange.respond(200, std::move(call.headers), ours);
  co_return Status();
}

Task<Status> object(KeptCall& call, std::string name, std::string method, std::string operation) {
  TG_CO_TRY(const auth::Handle handle, open_name(call, kept_by(call.api), name));
  std::string body;
  {
    ProviderRequest request(call, handle.provider);
    TG_CO_CHECK(request.start({std::move(method), object_path(handle, operation), {}}));
    TG_CO_TRY(body, co_await request.whole());
  }
  co_return co_await answer_object(call, handle.provider, std::move(body));
}

Task<Status> get_or_delete(KeptCall& call, std::string name) {
  std::string method = call.exchange.head().method;
  std::string nothing_more;
  co_return co_await object(call, std::move(name), std::move(method), std::move(nothing_more));
}

Task<Status> cancel(KeptCall& call, std::string name) {
  std::string method = "POST";
  std::string operation = "/cancel";
  co_return co_await object(call, std::move(name), std::move(method), std::move(operation));
}

Task<Status> send(KeptCall& call, const std::string& piece) {
  if (call.exchange.started()) co_return co_await call.exchange.write(piece);
  co_return co_await call.exchange.start_stream(200, call.headers, piece);
}

// A piece waits for the one after it: what the file says was used is written before its end leaves.
Task<Status> content(KeptCall& call, std::string name) {
  TG_CO_TRY(const auth::Handle handle, open_name(call, Kept::file, name));
  ProviderRequest request(call, handle.provider);
  TG_CO_CHECK(request.start({"GET", object_path(handle, "/content"), {}}));
  call.headers.add("content-type", "application/octet-stream");
  providers::BatchUsage usage;
  std::string waiting;
  for (;;) {
    auto piece = co_await request.next();
    if (!piece && !call.exchange.started()) co_return std::move(piece).error();
    if (!piece) co_return Status();  // the connection is closed in the middle of the body: the client sees a cut
    if (!*piece) break;
    usage.feed(**piece);
    std::swap(waiting, **piece);
    if ((*piece)->empty()) continue;
    auto sent = co_await send(call, **piece);
    if (!sent) co_return Status();
  }
  usage.finish();
  record_batch(call, handle.provider, handle.id, usage.total(), usage.complete());
  if (!call.exchange.started()) {
    (void)co_await call.exchange.respond(200, call.headers, waiting);
    co_return Status();
  }
  server::HeaderLines none;
  (void)co_await call.exchange.end_stream(waiting, std::move(none));
  co_return Status();
}

// The order, scrubbed, about the provider's own file.
Task<Status> order(KeptCall& call, std::string /*name*/) {
  TG_CO_CHECK(acceptable_encoding(call.exchange.head()));
  TG_CO_TRY(std::string bytes, co_await call.exchange.read_body());
  auto body = std::make_shared<const std::string>(std::move(bytes));
  const auto names = kept_names(call.services, call.who, {});
  TG_CO_TRY(auto read, providers::read_batch_order(std::move(body), names));
  TG_CO_TRY(const auto policies, policies_of(call.services, call.view, call.who));
  TG_CO_TRY(const Analysed analysed, co_await analyse(call.services, call.view, policies, read.call));
  auto screened = screen(call.services, call.view, call.who, policies, read.call, analysed);
  call.report.pii(screened.pii, screened.rule_pack);
  if (screened.refusal) co_return *screened.refusal;
  TG_CO_TRY(const auth::Handle handle, open_name(call, Kept::file, read.input_file));
  auto edits = std::move(screened.edits);
  edits.push_back({read.input_file_at, handle.id});
  edits.push_back(read.mark);
  std::string answer;
  {
    ProviderRequest request(call, handle.provider);
    auto sent = std::make_shared<const providers::Call>(std::move(read.call));
    TG_CO_CHECK(request.start({"POST", {}, {}}, std::move(sent), std::move(edits)));
    TG_CO_TRY(answer, co_await request.whole());
  }
  co_return co_await answer_object(call, handle.provider, std::move(answer));
}

}  // namespace

Task<void> serve_kept(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange, Api api,
                      std::string name) {
  co_await run_kept(services, std::move(view), exchange, api, std::move(name), get_or_delete);
}

Task<void> serve_cancel(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange, Api api,
                        std::string name) {
  co_await run_kept(services, std::move(view), exchange, api, std::move(name), cancel);
}

Task<void> serve_content(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                         Api api, std::string name) {
  co_await run_kept(services, std::move(view), exchange, api, std::move(name), content);
}

Task<void> serve_new_batch(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                           Api api, std::string name) {
  co_await run_kept(services, std::move(view), exchange, api, std::move(name), order);
}

}  // namespace tollgate::pipeline
