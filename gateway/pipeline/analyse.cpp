#include "gateway/pipeline/analyse.h"

#include "gateway/net/deadline.h"
#include "gateway/pipeline/presidio.h"
#include "providers/transport.h"

namespace tollgate::pipeline {

using net::Task;

namespace {

// Texts go together up to this size: a history has hundreds, and each request costs a way there and back.
constexpr std::size_t kBatch = std::size_t{64} << 10U;
constexpr std::string_view kBetween = "\n\n";  // a new paragraph: no sentence goes on in the next text

// Why an analyser said nothing: for the figure and the log line.
Error failure(std::string reason) { return {ErrorKind::upstream_error, std::move(reason)}; }

std::string read_text(const providers::Call& call, const providers::TextField& field) {
  const auto raw = std::string_view(*call.body).substr(field.span.offset, field.span.length);
  return field.has_escapes ? providers::unescape_json(raw) : std::string(raw);
}

// One analyser, asked about the texts of one call.
class Asking {
 public:
  Asking(const Services& services, const config::Analyser& analyser)
      : services_(services), analyser_(analyser), deadline_(services.sweep, [this] { stop(); }) {
    deadline_.set(analyser.timeout);
  }

  // Adds to `out` what is found in each text. Error: why that is not known.
  Task<Status> ask(const std::vector<std::string>& texts, Analysed& out);

 private:
  // Texts that are asked about together, and where each begins.
  struct Batch {
    std::string text;
    struct Part {
      std::size_t index;  // of the call's texts
      std::size_t start;
      std::size_t length;
    };
    std::vector<Part> parts;
  };

  void stop() {
    if (under_way_ != nullptr) under_way_->cancel();
  }
  std::vector<Batch> batches(const std::vector<std::string>& texts, Analysed& out) const;
  Task<Result<std::vector<pii::Finding>>> send(const std::string& text);
  Task<Result<std::string>> exchange(providers::HttpExchange& exchange) const;
  void share_out(const std::vector<std::string>& texts, const Batch& batch, const std::vector<pii::Finding>& found,
                 Analysed& out) const;

  const Services& services_;
  const config::Analyser& analyser_;
  net::Deadline deadline_;
  providers::HttpExchange* under_way_ = nullptr;
};

// What was asked before is known. The rest is put together in order.
std::vector<Asking::Batch> Asking::batches(const std::vector<std::string>& texts, Analysed& out) const {
  std::vector<Batch> made;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i];
    if (text.empty()) continue;
    if (const auto known = services_.scan_cache.known(analyser_.scope, text)) {
      out[i].insert(out[i].end(), known->begin(), known->end());
      continue;
    }
    if (made.empty() || made.back().text.size() + text.size() > kBatch) made.emplace_back();
    Batch& batch = made.back();
    if (!batch.text.empty()) batch.text += kBetween;
    batch.parts.push_back({i, batch.text.size(), text.size()});
    batch.text += text;
  }
  return made;
}

Task<Status> Asking::ask(const std::vector<std::string>& texts, Analysed& out) {
  const std::vector<Batch> all = batches(texts, out);
  for (const Batch& batch : all) {
    TG_CO_TRY(const auto found, co_await send(batch.text));
    share_out(texts, batch, found, out);
  }
  co_return Status();
}

Task<Result<std::vector<pii::Finding>>> Asking::send(const std::string& text) {
  if (deadline_.expired()) co_return failure("timeout");
  providers::HttpCall call;
  call.endpoint = analyser_.endpoint;
  call.path = kPresidioPath;
  call.headers = {{"content-type", "application/json"}, {"accept-encoding", "identity"}};
  call.body = presidio_request(analyser_, text);
  call.timeouts = {analyser_.timeout, analyser_.timeout, analyser_.timeout};
  const auto transfer = services_.transport.open(std::move(call));
  under_way_ = transfer.get();
  const auto answer = co_await exchange(*transfer);
  under_way_ = nullptr;
  const bool late = deadline_.expired() || (!answer && answer.error().kind == ErrorKind::upstream_timeout);
  if (late) co_return failure("timeout");
  if (!answer) co_return failure("unreachable");
  if (transfer->status() != 200) co_return failure("status");
  auto found = presidio_findings(analyser_, text, *answer);
  if (!found) co_return failure("answer");
  co_return found;
}

Task<Result<std::string>> Asking::exchange(providers::HttpExchange& exchange) const {
  TG_CO_CHECK(co_await exchange.start());
  std::string body;
  bool more = true;
  while (more) {
    TG_CO_TRY(more, co_await exchange.read_some(body));
    if (body.size() > kMostOfPresidio) co_return failure("answer");
  }
  co_return body;
}

// A finding that reaches from one text into the next is one of each.
void Asking::share_out(const std::vector<std::string>& texts, const Batch& batch,
                       const std::vector<pii::Finding>& found, Analysed& out) const {
  for (const auto& part : batch.parts) {
    std::vector<pii::Finding> here;
    for (pii::Finding finding : found) {
      if (finding.end <= part.start || finding.start >= part.start + part.length) continue;
      finding.start = std::max(finding.start, part.start) - part.start;
      finding.end = std::min(finding.end, part.start + part.length) - part.start;
      here.push_back(finding);
    }
    services_.scan_cache.remember(analyser_.scope, texts[part.index], here);
    out[part.index].insert(out[part.index].end(), here.begin(), here.end());
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
Task<Status> ask(const Services& services, const config::Analyser& analyser, const std::vector<std::string>& texts,
                 Analysed& out) {
  if (!services.analyser_breaker.may_ask(analyser.name)) co_return failure(std::string(kPaused));
  Asking asking(services, analyser);
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
    const Status asked = co_await ask(services, analyser, texts, out);
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
