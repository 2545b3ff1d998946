#include "gateway/pipeline/replica.h"

#include "providers/pool_caller.h"

namespace tollgate::pipeline {

Result<auth::Principal> caller_of(const config::Replica& replica, const net::HeadFacts& head,
                                  const config::Snapshot& snapshot) {
  TG_TRY(auto call, providers::read_pool_headers(head));
  config::Application application;
  application.id = std::move(call.caller.application);
  application.criticality = std::move(call.caller.criticality);
  auto department = std::make_shared<config::Department>();
  department->id = std::move(call.caller.department);
  department->applications.push_back(std::move(application));
  department->models.reserve(snapshot.models.size());
  for (const auto& [name, model] : snapshot.models) department->models.push_back(name);
  const config::Application* const calling = department->applications.data();
  auth::Principal who{
      .credential = "replica:" + replica.id, .department = std::move(department), .application = calling};
  who.relayed_as = call.request_id;
  return who;
}

Error not_relayed() {
  return Error{.kind = ErrorKind::invalid_request,
               .message = "A pool of models takes no files and no batches: replicas keep those themselves.",
               .code = "unsupported_api",
               .retryable = false};
}

}  // namespace tollgate::pipeline
