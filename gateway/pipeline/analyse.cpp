#include "gateway/pipeline/analyse.h"

#include "gateway/net/deadline.h"
#include "gateway/pipeline/analyser_documents.h"
#include "providers/transport.h"

namespace tollgate::pipeline {

using net::Task;

namespace {

// Why an analyser said nothing: for the figure and the log line.
Error failure(std::string reason) { return {ErrorKind::upstream_error, std::move(reason)}; }

constexpr std::string_view kTooLong = "too_long";
Error too_long() {
  return {.kind = ErrorKind::upstream_error, .message = "more than an answer", .code = std::string(kTooLong)};
}

std::string read_text(const providers::Call& call, const providers::TextField& field) {
  const auto raw = std::string_view(*call.body).substr(field.span.offset, field.span.length);
  return field.has_escapes ? providers::unescape_json(raw) : std::string(raw);
}

// One analyser, asked about the texts of one call.
class Asking {
 public:
  Asking(const Services& services, const config::Analyser& analyser, const AnalyserWay& way)
      : services_(services),
        analyser_(analyser),
        way_(way),
        api_(analyser_api(analyser.kind)),
        deadline_(services.sweep, [this] { stop(); }) {
    deadline_.set(analyser.timeout);
  }

  // Adds to `out` what is found in each text. Error: why that is not known of all.
  Task<Status> ask(const std::vector<std::string>& texts, Analysed& out);

 private:
  void stop() {
    if (authorizing_ != nullptr) way_.authorizer->cancel(*authorizing_);
    if (under_way_ != nullptr) under_way_->cancel();
  }
  std::vector<std::size_t> unknown(const std::vector<std::string>& texts, Analysed& found) const;
  Task<Status> ask_about(const std::vector<std::string>& texts, const std::vector<Batch>& all, Analysed& found);
  Task<Result<DocumentFindings>> send(const Documents& documents);
  Task<Status> authorize(providers::HttpCall& call);
  Task<Result<std::string>> exchange(providers::HttpExchange& exchange) const;
  void remember(const std::vector<std::string>& texts, const Batch& batch, Analysed& found) const;

  const Services& services_;
  const config::Analyser& analyser_;
  const AnalyserWay& way_;
  const AnalyserApi& api_;
  net::Deadline deadline_;
  const providers::HttpCall* authorizing_ = nullptr;
  providers::HttpExchange* under_way_ = nullptr;
};

// What was asked before is known.
std::vector<std::size_t> Asking::unknown(const std::vector<std::string>& texts, Analysed& found) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto known = services_.scan_cache.known(analyser_.scope, texts[i]);
    if (known)
      found[i] = *known;
    else
      out.push_back(i);
  }
  return out;
}

Task<Status> Asking::ask(const std::vector<std::string>& texts, Analysed& out) {
  Analysed found(texts.size());
  const auto asked_about = unknown(texts, found);
  const auto all = batches(texts, asked_about, api_.limits);
  Status asked = co_await ask_about(texts, all, found);
  for (std::size_t i = 0; i < texts.size(); ++i) out[i].insert(out[i].end(), found[i].begin(), found[i].end());
  co_return asked;
}

Task<Status> Asking::ask_about(const std::vector<std::string>& texts, const std::vector<Batch>& all, Analysed& found) {
  for (const Batch& batch : all) {
    TG_CO_TRY(const auto answered, co_await send(batch.documents));
    for (std::size_t i = 0; i < answered.size(); ++i) share_out(batch.parts[i], answered[i], found);
    remember(texts, batch, found);
  }
  co_return Status();
}

Task<Result<DocumentFindings>> Asking::send(const Documents& documents) {
  AnalyserRequest request = api_.request(analyser_, documents);
  providers::HttpCall call;
  call.endpoint = analyser_.endpoint;
  call.path = std::move(request.path);
  call.headers = std::move(request.headers);
  call.headers.push_back({"accept-encoding", "identity"});
  call.body = std::move(request.body);
  call.timeouts = {analyser_.timeout, analyser_.timeout, analyser_.timeout};
  TG_CO_CHECK(co_await authorize(call));
  const auto transfer = way_.transport->open(std::move(call));
  under_way_ = transfer.get();
  const auto answer = co_await exchange(*transfer);
  under_way_ = nullptr;
  const bool late = deadline_.expired() || (!answer && answer.error().kind == ErrorKind::upstream_timeout);
  if (late) co_return failure("timeout");
  if (!answer) co_return failure(answer.error().code == kTooLong ? "answer" : "unreachable");
  if (transfer->status() != 200) {
    const bool refused = api_.refuses_credential(transfer->status(), *answer);
    if (refused) way_.authorizer->refused();
    co_return failure(refused ? "credentials" : "status");
  }
  auto found = api_.findings(analyser_, documents, *answer);
  if (!found) co_return failure(found.error().code.empty() ? "answer" : found.error().code);
  co_return found;
}

// Shows who we are, which may have to be fetched first.
Task<Status> Asking::authorize(providers::HttpCall& call) {
  if (deadline_.expired()) co_return failure("timeout");
  authorizing_ = &call;
  const Status shown = co_await way_.authorizer->authorize(call);
  authorizing_ = nullptr;
  if (deadline_.expired()) co_return failure("timeout");
  if (!shown) co_return failure("credentials");
  co_return Status();
}

Task<Result<std::string>> Asking::exchange(providers::HttpExchange& exchange) const {
  TG_CO_CHECK(co_await exchange.start());
  std::string body;
  bool more = true;
  while (more) {
    TG_CO_TRY(more, co_await exchange.read_some(body));
    if (body.size() > kMostOfAnswer) co_return too_long();
  }
  co_return body;
}

// Of the texts that are now answered to their end.
void Asking::remember(const std::vector<std::string>& texts, const Batch& batch, Analysed& found) const {
  for (const auto& parts : batch.parts) {
    for (const Part& part : parts) {
      if (!part.last) continue;
      found[part.index] = united(std::move(found[part.index]));
      services_.scan_cache.remember(analyser_.scope, texts[part.index], found[part.index]);
    }
  }
}

constexpr std::string_view kPaused = "paused";

// Tells who looks after it once, not with every call.
void note_failure(const Services& services, const config::Analyser& analyser) {
  if (!services.analyser_breaker.failed(analyser.name, analyser.max_failures, analyser.pause)) return;
  services.log.write(
      LogLevel::error, "pii_analyser_paused",
      "it failed again and again, so calls no longer wait for it; one in a while tries",
      {{"analyser", std::string_view(analyser.name)}, {"pause_ms", static_cast<std::int64_t>(analyser.pause.count())}});
}

// Error: why an analyser said nothing.
Task<Status> ask(const Services& services, const View& view, const config::Analyser& analyser,
                 const std::vector<std::string>& texts, Analysed& out) {
  const auto way = view.analysers.find(analyser.name);
  if (way == view.analysers.end()) co_return failure("credentials");
  if (!services.analyser_breaker.may_ask(analyser.name)) co_return failure(std::string(kPaused));
  Asking asking(services, analyser, way->second);
  Status asked = co_await asking.ask(texts, out);
  if (asked)
    services.analyser_breaker.succeeded(analyser.name);
  else
    note_failure(services, analyser);
  co_return asked;
}

// Fail closed or open, as the policies say; never unseen.
Status judge(const Services& services, const pii::Policies& policies, const config::Analyser& analyser,
             std::string_view reason) {
  services.metrics.count("tollgate_pii_analyser_failures_total",
                         {{"analyser", std::string_view(analyser.name)}, {"reason", reason}});
  const bool pass = policies.on_error() == pii::PolicyOptions::OnError::pass;
  if (reason != kPaused)  // which has its own line, and its figure
    services.log.write(LogLevel::warning, "pii_analyser_failed",
                       pass ? "what it would have found was let through, as the policy says" : "the call was refused",
                       {{"analyser", std::string_view(analyser.name)}, {"reason", reason}});
  if (pass) return {};
  return Error{.kind = ErrorKind::overloaded,
               .message =
                   "The scan for personal data that this key's policy asks for could not be done, so nothing was sent. "
                   "Try again.",
               .code = "pii_scan_failed",
               .retryable = true};
}

}  // namespace

Task<Result<Analysed>> analyse(const Services& services, const View& view, const pii::Policies& policies,
                               const providers::Call& call) {
  Analysed out;
  if (policies.analysers().empty() || call.index.texts.empty()) co_return out;
  out.resize(call.index.texts.size());
  std::vector<std::string> texts;
  texts.reserve(out.size());
  for (const auto& field : call.index.texts) texts.push_back(read_text(call, field));
  for (const std::string& name : policies.analysers()) {
    const config::Analyser& analyser = *view.snapshot->pii_analysers.at(name);
    const Status asked = co_await ask(services, view, analyser, texts, out);
    if (asked) continue;
    TG_CO_CHECK(judge(services, policies, analyser, asked.error().message));
  }
  co_return out;
}

Status allow_unanalysed(const Services& services, const View& view, const pii::Policies& policies) {
  for (const std::string& name : policies.analysers())
    TG_CHECK(judge(services, policies, *view.snapshot->pii_analysers.at(name), "upload"));
  return {};
}

}  // namespace tollgate::pipeline
