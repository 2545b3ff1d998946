#pragma once
// The upper seam: what the pipeline sees. A provider over HTTP and the local model look the same from here.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/net/task.h"
#include "providers/authorizer.h"
#include "providers/chat_quirks.h"
#include "providers/event.h"
#include "providers/identity/options.h"
#include "providers/pool_caller.h"
#include "providers/server_options.h"

namespace tollgate::providers {

// A provider as configured. Immutable, shared.
struct ProviderOptions {
  std::string id;
  std::string kind;  // a row of kinds.h
  std::string processing_region;
  std::shared_ptr<const Endpoint> endpoint;  // null for local; its base path is all that stands before the operation
  std::shared_ptr<const IdentityOptions> identity;       // null: the server asks for nothing
  std::vector<Api> apis = {Api::chat, Api::embeddings};  // what a provider of OpenAI's kinds speaks itself
  bool max_completion_tokens = false;                    // of OpenAI's kinds: the cap's newer name is understood
  ChatQuirks quirks;                                     // of OpenAI's kinds and what speaks its chat API otherwise
  std::string api_version;                 // Azure's; azure_openai: not empty puts the model into the path, too
  SageMakerOptions sagemaker;              // sagemaker
  GenerateOptions generate;                // open_inference; sagemaker with TGI's body
  std::vector<net::Header> headers;        // the provider's own, the same for every call
  bool use_curl = false;                   // transport: curl
  std::int64_t default_max_tokens = 4096;  // sent where the provider's API demands a number and the caller gave none
};

// One attempt being received. next() does all the waiting, the connecting included; destroying the stream cancels it.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // The next batch; nullopt after the proper end. Errors end the stream:
  // upstream_error, upstream_timeout, rate_limited, overloaded, invalid_request (the provider's word about the
  // request), cancelled.
  virtual net::Task<Result<std::optional<Batch>>> next() = 0;
  // A pending next() ends with ErrorKind::cancelled. Idempotent; callable before the first next().
  virtual void cancel() = 0;
  // The provider may have started work, so usage may be owed.
  virtual bool dispatched() const = 0;
  // The next batch is here already: next() will not wait. Lets a writer put what came together into one write.
  virtual bool buffered() const { return false; }
  // What the provider calls this call, once it has answered, refusals included; empty where it does not say.
  virtual std::string provider_request_id() const { return {}; }
  // What the target could not express, as a comma-separated list of request fields; empty = nothing was lost.
  virtual std::string lossy() const { return {}; }
  // What a pool of models says beside its answer; anybody else could claim it, too.
  virtual PoolReport pool_report() const { return {}; }
};

// The form of a call that uploads files, as the provider gets it. It is read once: an attempt that has begun to read it
// leaves nothing for another.
class UploadForm : public BodySource {
 public:
  virtual const std::string& content_type() const = 0;
  // Which model the form names. REQUIRES: nothing was read
  virtual void name_model(const std::string& upstream_model) = 0;
};

// One of what the provider keeps (kept_objects.h), or all of them, and what is wanted with it.
struct Resource {
  std::string method = "GET";
  std::string path;   // after the API's own, such as "/batch_1/cancel"; escaped
  std::string query;  // without the question mark
};

// What an attempt sends: the scrubbed call, already final except for what the target's dialect changes.
struct AttemptRequest {
  std::shared_ptr<const Call> call;
  std::vector<Edit> edits;  // scrubbing; the upstream adds its own (model name, include_usage)
  std::string upstream_model;
  Timeouts timeouts;
  std::string request_id;  // sent as x-request-id
  std::string department;  // for fairness in the local model's queue; never sent to a provider
  // Who calls, for a pool of models (pool_caller.h): empty for every other provider.
  std::vector<net::Header> pool_headers = {};
  // Of the client, by its API's allow-list, names in lower case: for a target that speaks this API itself.
  std::vector<net::Header> client_headers = {};
  std::shared_ptr<UploadForm> form = nullptr;  // instead of the call's body
  std::optional<Resource> resource = {};       // the call is about it, and names no model
};

class Upstream {
 public:
  virtual ~Upstream() = default;
  virtual std::unique_ptr<EventStream> start(AttemptRequest request) = 0;
  // Calls of this API go out as they are.
  virtual bool speaks(Api api) const {
    (void)api;
    return false;
  }
};

// A provider over HTTP, in the API of the caller where it speaks that, else translated. `transport` must outlive it and
// its streams; the authorizer is shared with them.
std::unique_ptr<Upstream> http_upstream(ProviderOptions options, std::shared_ptr<Authorizer> authorizer,
                                        Transport& transport);

}  // namespace tollgate::providers
