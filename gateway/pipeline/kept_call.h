#pragma once
// What calls about kept things have in common: key, admission, requests to the provider, and a row for each of them.
#include <memory>
#include <optional>
#include <string>

#include "gateway/pipeline/report.h"
#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"
#include "providers/kept_objects.h"

namespace tollgate::pipeline {

// One call, past its key and its limits. In the frame of the call.
struct KeptCall {
  const Services& services;
  const View& view;
  server::Exchange& exchange;
  Report& report;
  providers::Api api;
  const auth::Principal& who;
  server::HeaderLines headers;  // rate limits
};
using KeptWork = net::Task<Status> (*)(KeptCall& call, std::string name);
// Authenticates, admits, does the work, and writes what is left to write.
net::Task<void> run_kept(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                         providers::Api api, std::string name, KeptWork work);

// Error not_found: another department's, or nobody's.
Result<auth::Handle> open_name(const KeptCall& call, providers::Kept what, const std::string& name);
providers::Kept kept_by(providers::Api api);
// The path of the object, as providers take it, and what is wanted with it.
std::string object_path(const auth::Handle& handle, std::string_view operation = {});

// One request to a provider. Writes its row when it is destroyed, if it was sent.
class ProviderRequest {
 public:
  ProviderRequest(KeptCall& call, const std::string& provider) : call_(call), provider_(provider) {}
  ~ProviderRequest();
  ProviderRequest(const ProviderRequest&) = delete;
  ProviderRequest& operator=(const ProviderRequest&) = delete;

  // Error: the provider is no longer there, or the ledger takes nothing.
  Status start(providers::Resource resource, std::shared_ptr<const providers::Call> body = nullptr,
               std::vector<providers::Edit> edits = {});
  // The answer as it comes; nullopt after its end.
  net::Task<Result<std::optional<std::string>>> next();
  // The same of an answer that is not long.
  net::Task<Result<std::string>> whole();

 private:
  KeptCall& call_;
  std::string provider_;
  std::unique_ptr<providers::EventStream> stream_;
  finops::UsageRecord record_;
  SteadyTime started_;
  bool ended_ = false;
};

// The row of what a batch has used, by the name of its output: however often it is written, it counts once.
void record_batch(const KeptCall& call, const std::string& provider, const std::string& output_file,
                  const providers::BatchTotal& total, bool complete);

}  // namespace tollgate::pipeline
