#include "gateway/pipeline/models.h"

#include "gateway/pipeline/call.h"
#include "providers/front_end.h"

namespace tollgate::pipeline {

using net::Task;

namespace {

providers::ModelEntry entry_of(const config::Snapshot& snapshot, const config::Model& model) {
  return {model.name, model.created, snapshot.organisation};
}

std::string encode_list(const std::vector<providers::ModelEntry>& entries, bool messages) {
  return messages ? providers::encode_messages_model_list(entries) : providers::encode_model_list(entries);
}

std::string encode_one(const providers::ModelEntry& entry, bool messages) {
  return messages ? providers::encode_messages_model(entry) : providers::encode_model(entry);
}

}  // namespace

Task<void> serve_models(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                        providers::Api api, std::string id) {
  // Both vendors' SDKs ask by this path; only Anthropic's names a version.
  const bool messages = !exchange.head().header("anthropic-version").empty();
  if (messages) api = providers::Api::messages;
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
                .message = "The model `" + id + "` does not exist or you do not have access to it.",
                .code = "model_not_found",
                .param = "model",
                .retryable = false};
    co_await answer_error(exchange, api, std::move(error));
    co_return;
  }
  std::string body = id.empty() ? encode_list(entries, messages) : encode_one(entries[0], messages);
  server::HeaderLines headers;
  const auto id_header = providers::front_end(api).request_id_header;
  if (!id_header.empty()) headers.add(id_header, exchange.request_id().to_string());
  (void)co_await exchange.respond(200, std::move(headers), body);
}

}  // namespace tollgate::pipeline
