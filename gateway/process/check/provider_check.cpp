#include "gateway/process/check/provider_check.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>

#include "gateway/base/ids.h"
#include "gateway/pipeline/local_upstream.h"
#include "gateway/process/check/connection_probe.h"
#include "gateway/process/check/credential_words.h"
#include "gateway/process/check/watched_transport.h"
#include "gateway/process/upstreams.h"
#include "providers/abilities.h"
#include "providers/front_end.h"
#include "providers/kinds.h"

namespace tollgate::process {
namespace {

using providers::ProviderOptions;
using std::chrono::milliseconds;

constexpr providers::Timeouts kTimeouts{
    .connect = milliseconds(5'000), .first_byte = milliseconds(30'000), .idle = milliseconds(30'000)};
constexpr milliseconds kProbeLimit{5'000};
constexpr milliseconds kLimit{60'000};  // of one call, whatever happens

// Why a credential could not be obtained is told to logs only: here it is caught. Thread-safe, as every log is.
class ReasonLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields) override {
    if (event != "credential_renewal_failed" && event != "identity_unusable") return;
    const std::lock_guard lock(mutex_);
    reason_ = message;
    for (const auto& field : fields) {
      const auto* text = std::get_if<std::string_view>(&field.value);
      if (field.name == "reason" && text != nullptr) reason_ = *text;
    }
  }
  std::string take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(reason_, {});
  }

 private:
  std::mutex mutex_;
  std::string reason_;
};

std::shared_ptr<const providers::Call> call_of(providers::Api api, std::string text) {
  auto call = providers::front_end(api).decode(std::make_shared<const std::string>(std::move(text)), {});
  if (!call) throw std::logic_error("the question of a check is not one: " + call.error().message);
  return std::make_shared<const providers::Call>(*std::move(call));
}

// The smallest question there is. Newer models of OpenAI know the cap by its newer name only.
std::shared_ptr<const providers::Call> question(const char* cap) {
  constexpr std::string_view kAsk =
      R"({"model":"check","messages":[{"role":"user","content":"Answer with the word: ok"}],")";
  return call_of(providers::Api::chat, std::string(kAsk) + cap + R"(":16})");
}

std::shared_ptr<const providers::Call> text_to_embed() {
  return call_of(providers::Api::embeddings, R"({"model":"check","input":"ok"})");
}

// As whom a pool of models is called.
const providers::PoolCaller kCheck{.department = "tollgate", .application = "providers-check"};

// What all checks share.
struct Tools {
  net::asio::io_context io{1};
  net::Sweep sweep{io};
  RealClock clock;
  UuidSource ids;
  NullLog silent;
  net::Resolver resolver{silent};
  providers::CredentialFiles files;
};

// One provider, its targets in turn.
class ProviderCheck {
 public:
  ProviderCheck(Tools& tools, std::shared_ptr<const ProviderOptions> provider)
      : tools_(tools),
        provider_(std::move(provider)),
        watch_(tools.clock),
        upstreams_({tools.io, tools.sweep, tools.resolver, tools.files, tools.clock, reasons_,
                    [this](auto transport) { return watched(std::move(transport), watch_); }}) {}

  net::Task<void> run(std::vector<CheckedTarget*> targets) {
    const auto upstream = upstreams_.make(*provider_);
    for (CheckedTarget* const target : targets) co_await check(*upstream, *target);
    co_await upstreams_.close();
  }

 private:
  net::Task<void> check(providers::Upstream& upstream, CheckedTarget& target) {
    const auto began = tools_.clock.steady_now();
    auto error = co_await ask_as_used(upstream, target);
    target.milliseconds = std::chrono::duration_cast<milliseconds>(tools_.clock.steady_now() - began).count();
    Evidence evidence;
    evidence.kind = provider_->kind;
    evidence.model = target.model;
    evidence.credential = credential_words(provider_->identity.get());
    evidence.endpoint = provider_->endpoint;
    evidence.error = std::move(error);
    evidence.exchanges = watch_.take();
    evidence.credential_reason = reasons_.take();
    co_await probe(evidence);
    target.diagnosis = diagnose(evidence);
    if (!evidence.exchanges.empty() && evidence.exchanges.back().endpoint == provider_->endpoint)
      target.http_status = evidence.exchanges.back().status;
  }

  // A model for embeddings is asked for one, all others to speak.
  net::Task<std::optional<Error>> ask_as_used(providers::Upstream& upstream, CheckedTarget& target) {
    if (providers::embeds(*provider_, target.model)) co_return co_await ask(upstream, target, text_to_embed());
    auto error = co_await ask(upstream, target, question("max_tokens"));
    if (!error || error->kind != ErrorKind::invalid_request || !names_the_cap(*error)) co_return error;
    watch_.take();
    co_return co_await ask(upstream, target, question("max_completion_tokens"));
  }

  static bool names_the_cap(const Error& error) {
    return error.param == "max_tokens" || error.message.find("max_completion_tokens") != std::string::npos;
  }

  net::Task<std::optional<Error>> ask(providers::Upstream& upstream, CheckedTarget& target,
                                      std::shared_ptr<const providers::Call> call) {
    providers::AttemptRequest request;
    request.call = std::move(call);
    request.upstream_model = target.model;
    request.timeouts = kTimeouts;
    if (providers::is_pool(provider_->kind)) request.pool_headers = providers::pool_headers(kCheck, false);
    request.request_id = tools_.ids.next(tools_.clock.system_now()).to_string();
    const std::shared_ptr<providers::EventStream> events = upstream.start(std::move(request));
    net::Timer patience(tools_.io.get_executor(), kLimit);
    patience.async_wait([weak = std::weak_ptr(events)](const boost::system::error_code& cancelled) {
      const auto late = weak.lock();
      if (!cancelled && late) late->cancel();
    });
    while (true) {
      auto batch = co_await events->next();
      if (!batch) co_return batch.error();
      if (!*batch) co_return std::nullopt;
      count(**batch, target);
    }
  }

  static void count(const providers::Batch& batch, CheckedTarget& target) {
    for (const auto& event : batch.events) {
      if (event.kind != providers::Event::Kind::usage || !event.usage.known()) continue;
      target.input_tokens = event.usage.input;
      target.output_tokens = event.usage.output;
    }
  }

  // Why there was no answer: the connection is made again, step by step.
  net::Task<void> probe(Evidence& evidence) {
    if (!evidence.error || evidence.exchanges.empty() || evidence.exchanges.back().status != 0) co_return;
    auto endpoint = evidence.exchanges.back().endpoint;
    if (!endpoint->egress.curl_proxy.empty()) co_return;  // only curl knows how to speak to it
    evidence.probe = co_await probe_connection(tools_.resolver, std::move(endpoint), kProbeLimit);
  }

  Tools& tools_;
  std::shared_ptr<const ProviderOptions> provider_;
  ReasonLog reasons_;
  Watch watch_;
  Upstreams upstreams_;
};

// Every pair that a model uses, once, in the order of providers and models.
std::vector<CheckedTarget> targets_of(const config::Snapshot& snapshot, const CheckOptions& options) {
  std::set<std::pair<std::string, std::string>> pairs;
  const auto add = [&](const std::string& called, const routing::Target& target) {
    if (!options.provider.empty() && target.provider != options.provider) return;
    if (!options.model.empty() && target.model != options.model && called != options.model) return;
    pairs.insert({target.provider, target.model});
  };
  for (const auto& [name, model] : snapshot.models) {
    for (const auto& target : model->route.targets) add(name, target);
    for (const auto& fallback : model->route.fallbacks) add(name, fallback.target);
  }
  std::vector<CheckedTarget> out;
  for (const auto& [provider, model] : pairs) {
    CheckedTarget target;
    target.provider = provider;
    target.model = model;
    target.region = snapshot.providers.at(provider)->processing_region;
    out.push_back(std::move(target));
  }
  return out;
}

// --- local models ---

Diagnosis local_failure(std::string what) {
  return {"provider_error", std::move(what), "Check model: {directory: …}: the files, and the memory they need."};
}

net::Task<void> ask_engine(std::shared_ptr<local_backend::Engine> engine, net::Executor executor,
                           CheckedTarget& target) {
  pipeline::EngineSource source = [engine = std::move(engine)] { return engine; };
  const auto upstream = pipeline::local_upstream(std::move(source), std::move(executor));
  providers::AttemptRequest request;
  request.call = question("max_tokens");
  request.upstream_model = target.model;
  request.timeouts = kTimeouts;
  const auto events = upstream->start(std::move(request));
  target.diagnosis.status = "ok";
  while (true) {
    auto batch = co_await events->next();
    if (!batch) target.diagnosis = local_failure(batch.error().message);
    if (!batch || !*batch) co_return;
    for (const auto& event : (*batch)->events) {
      if (event.kind != providers::Event::Kind::usage) continue;
      target.input_tokens = event.usage.input;
      target.output_tokens = event.usage.output;
    }
  }
}

void check_local(const config::Snapshot& snapshot, CheckedTarget& target, bool wanted) {
  target.checked = wanted;
  if (!wanted) return;
  const RealClock clock;
  const auto began = clock.steady_now();
  for (const auto& local : snapshot.local_models) {
    if (local.provider != target.provider) continue;
    try {
      const std::shared_ptr<local_backend::Engine> engine = local_backend::Engine::load(local.engine);
      net::asio::io_context io(1);
      auto asking = ask_engine(engine, io.get_executor(), target);
      net::asio::co_spawn(io, std::move(asking), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
      });
      io.run();
    } catch (const std::exception& failure) {
      target.diagnosis = local_failure(failure.what());
    }
  }
  target.milliseconds = std::chrono::duration_cast<milliseconds>(clock.steady_now() - began).count();
}

void check_remote(const config::Snapshot& snapshot, std::map<std::string, std::vector<CheckedTarget*>> by_provider) {
  Tools tools;
  std::vector<std::unique_ptr<ProviderCheck>> checks;
  std::size_t running = by_provider.size();
  std::exception_ptr bug;
  for (auto& [provider, targets] : by_provider) {
    checks.push_back(std::make_unique<ProviderCheck>(tools, snapshot.providers.at(provider)));
    auto check = checks.back()->run(std::move(targets));
    net::asio::co_spawn(tools.io, std::move(check), [&](const std::exception_ptr& failure) {
      if (failure) bug = failure;
      if (--running > 0 && !bug) return;
      tools.sweep.stop();
      tools.io.stop();
    });
  }
  if (!checks.empty()) tools.io.run();
  if (bug) std::rethrow_exception(bug);
}

}  // namespace

std::vector<CheckedTarget> check_providers(const config::Snapshot& snapshot, const CheckOptions& options) {
  std::vector<CheckedTarget> targets = targets_of(snapshot, options);
  std::map<std::string, std::vector<CheckedTarget*>> by_provider;
  for (CheckedTarget& target : targets) {
    const bool local = snapshot.providers.at(target.provider)->kind == "local";
    if (local)
      check_local(snapshot, target, options.local);
    else
      by_provider[target.provider].push_back(&target);
  }
  check_remote(snapshot, std::move(by_provider));
  return targets;
}

}  // namespace tollgate::process
