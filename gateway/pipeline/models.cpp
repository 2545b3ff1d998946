#include "gateway/pipeline/models.h"

#include "config/scalars.h"
#include "gateway/pipeline/call.h"
#include "providers/front_end.h"

namespace tollgate::pipeline {

using net::Task;

namespace {

providers::ModelEntry entry_of(const config::Snapshot& snapshot, const config::Model& model) {
  return {model.name, model.created, snapshot.organisation};
}

struct Form {
  std::string (*list)(const std::vector<providers::ModelEntry>& models);
  std::string (*one)(const providers::ModelEntry& model);
};

Form form_of(providers::Api api) {
  if (api == providers::Api::messages) return {providers::encode_messages_model_list, providers::encode_messages_model};
  if (api == providers::Api::gemini) return {providers::encode_gemini_model_list, providers::encode_gemini_model};
  return {providers::encode_model_list, providers::encode_model};
}

}  // namespace

Task<void> serve_models(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                        providers::Api api, std::string id) {
  // Three vendors' SDKs ask by the same path; their headers tell.
  if (!exchange.head().header("anthropic-version").empty()) api = providers::Api::messages;
  if (!exchange.head().header("x-goog-api-key").empty()) api = providers::Api::gemini;
  auto who = authenticate(services, *view, exchange.head());
  if (!who) {
    co_await answer_error(exchange, api, std::move(who).error());
    co_return;
  }
  std::vector<providers::ModelEntry> entries;
  for (const auto& name : who->department->models) {
    const auto model = view->snapshot->models.find(name);
    if (model == view->snapshot->models.end() || (!id.empty() && name != id)) continue;
    entries.push_back(entry_of(*view->snapshot, *model->second));
  }
  if (!id.empty() && entries.empty()) {
    Error error{.kind = ErrorKind::not_found,
                .message = "The model `" + config::printable(id) + "` does not exist or you do not have access to it.",
                .code = "model_not_found",
                .param = "model",
                .retryable = false};
    co_await answer_error(exchange, api, std::move(error));
    co_return;
  }
  const Form form = form_of(api);
  const std::string body = id.empty() ? form.list(entries) : form.one(entries[0]);
  server::HeaderLines headers;
  const auto id_header = providers::front_end(api).request_id_header;
  if (!id_header.empty()) headers.add(id_header, exchange.request_id().to_string());
  (void)co_await exchange.respond(200, std::move(headers), body);
}

}  // namespace tollgate::pipeline
