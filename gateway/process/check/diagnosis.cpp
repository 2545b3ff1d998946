#include "gateway/process/check/diagnosis.h"

#include <algorithm>
#include <initializer_list>

#include "providers/kinds.h"

namespace tollgate::process {
namespace {

using std::chrono::seconds;

// Amazon, Google and Microsoft take requests that are up to five minutes off.
constexpr seconds kSkewAllowed(300);

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

bool is_provider(const SeenExchange& exchange, const Evidence& evidence) {
  return exchange.endpoint == evidence.endpoint;
}

bool is_json(const SeenExchange& exchange) { return exchange.content_type.find("json") != std::string::npos; }

std::string where(const SeenExchange& exchange) { return exchange.endpoint->authority(); }

std::string answered(const SeenExchange& exchange) {
  std::string words = where(exchange) + " answered " + std::to_string(exchange.status);
  return exchange.code.empty() ? words : words + " " + exchange.code;
}

// Ours minus theirs; nullopt where they did not say.
std::optional<seconds> skew(const SeenExchange& exchange) {
  if (!exchange.date) return std::nullopt;
  return std::chrono::duration_cast<seconds>(exchange.seen_at - *exchange.date);
}

std::optional<Diagnosis> clock_trouble(const SeenExchange& exchange) {
  const bool said = contains_any(exchange.body_start, {"RequestTimeTooSkewed", "Signature expired",
                                                       "Signature not yet current", "RequestExpired"});
  const auto off = skew(exchange);
  const bool far = off && (*off > kSkewAllowed || *off < -kSkewAllowed);
  if (!said && !far) return std::nullopt;
  std::string what = where(exchange) + " does not accept the time of our request";
  if (far)
    what = "the clock of this machine is " + std::to_string(std::chrono::abs(*off).count()) + " s " +
           (*off > seconds::zero() ? "ahead of" : "behind") + " that of " + where(exchange);
  return Diagnosis{"clock", std::move(what), "Set the clock (NTP): signatures and tokens depend on it."};
}

// --- no answer at all ---

Diagnosis unreachable(const SeenExchange& exchange, const Evidence& evidence) {
  using Step = ProbeResult::Step;
  const std::string words = evidence.probe ? evidence.probe->words : exchange.failure->message;
  switch (evidence.probe ? evidence.probe->stopped_at : Step::none) {
    case Step::name:
      return {"dns", words,
              "Check the host in the configuration and this machine's resolver. Where only a proxy may go out, set "
              "egress: {proxy: …}."};
    case Step::connect:
      return {"connection", words,
              "Check address and port, and whether a firewall lets this machine out. Where only a proxy may go out, "
              "set egress: {proxy: …}."};
    case Step::proxy:
      return {"proxy", words, "Check egress: {proxy: …}, and whether the proxy lets us reach " + where(exchange) + "."};
    case Step::tls:
      return {"tls", words,
              "A private authority, such as that of an inspecting proxy, is set with egress: {ca: FILE}. Never "
              "is the check itself turned off."};
    case Step::none:
      break;
  }
  if (exchange.failure && exchange.failure->kind == ErrorKind::upstream_timeout)
    return {"timeout", where(exchange) + " was reached and did not answer in time",
            "The model may be loading or overloaded: try again, or check what stands between."};
  return {"connection", where(exchange) + " was reached and broke the connection off before it had answered",
          "Check what stands between (load balancer, proxy), and that the endpoint speaks HTTP/1.1."};
}

const providers::ProviderKind& kind_of(const Evidence& evidence) {
  static constexpr providers::ProviderKind kUnknown{.name = ""};
  const auto* row = providers::provider_kind(evidence.kind);
  return row == nullptr ? kUnknown : *row;
}

// --- credentials ---

std::string credential_advice(const Evidence& evidence) {
  if (evidence.credential.empty()) return "The provider wants a credential: set auth.";
  return "Check " + evidence.credential +
         " (auth in the provider's file): wrong, revoked, expired, or of another "
         "account?";
}

// The call was not sent, because there was nothing to prove us by.
Diagnosis no_credential(const Evidence& evidence) {
  if (!evidence.exchanges.empty()) {
    const SeenExchange& last = evidence.exchanges.back();
    if (last.status == 0) return unreachable(last, evidence);
    if (auto clock = clock_trouble(last)) return *std::move(clock);
  }
  const std::string reason = evidence.credential_reason.empty() ? "no reason is known" : evidence.credential_reason;
  return {"credentials", "no credential could be obtained from " + evidence.credential + ": " + reason,
          credential_advice(evidence)};
}

Diagnosis refused_credential(const SeenExchange& exchange, const Evidence& evidence) {
  if (auto clock = clock_trouble(exchange)) return *std::move(clock);
  const bool unknown =
      exchange.status == 401 ||
      contains_any(exchange.code, {"UnrecognizedClient", "InvalidSignature", "ExpiredToken", "InvalidClientToken",
                                   "IncompleteSignature", "MissingAuthentication"}) ||
      contains_any(exchange.body_start, {"security token", "signature we calculated", "API key not valid"});
  if (unknown) return {"credentials", answered(exchange) + ": it refuses our credential", credential_advice(evidence)};
  std::string advice =
      "The credential is known there but may not do this: give it the right to call the model " + evidence.model + ".";
  if (const std::string_view right = kind_of(evidence).right; !right.empty()) advice += " " + std::string(right);
  return {"permission", answered(exchange), std::move(advice)};
}

// --- other answers ---

Diagnosis wrong_path(const SeenExchange& exchange, const Evidence& evidence, std::string what) {
  const std::string shown = exchange.endpoint->authority() + exchange.endpoint->base_path;
  return {"wrong_path", shown + " " + std::move(what),
          "Check endpoint and kind. " + std::string(kind_of(evidence).endpoint)};
}

Diagnosis unknown_model(const SeenExchange& exchange, const Evidence& evidence) {
  return {"model", answered(exchange) + ": it does not know '" + evidence.model + "'",
          std::string(kind_of(evidence).model)};
}

bool says_no_such_model(const SeenExchange& exchange) {
  return contains_any(exchange.body_start, {"model identifier is invalid", "on-demand throughput", "model_not_found",
                                            "does not exist", "DeploymentNotFound"});
}

Diagnosis not_found(const SeenExchange& exchange, const Evidence& evidence) {
  const bool azure_path =
      evidence.kind == "azure_openai" && exchange.body_start.find("Resource not found") != std::string::npos;
  if (!is_json(exchange) || azure_path) return wrong_path(exchange, evidence, "has no such place (404)");
  // FastAPI and its like say so of paths; models are named in their own words.
  if (exchange.body_start.find(R"("Not Found")") != std::string::npos)
    return wrong_path(exchange, evidence, "has no such place (404)");
  return unknown_model(exchange, evidence);
}

Diagnosis throttled(const SeenExchange& exchange, const Evidence& evidence) {
  const bool used_up = exchange.status == 402 || (evidence.error && evidence.error->code == "insufficient_quota") ||
                       contains_any(exchange.body_start, {"insufficient_quota", "ServiceQuotaExceeded"});
  if (used_up)
    return {"quota", answered(exchange) + ": the account has nothing left to spend",
            "Raise the quota or the credit of the provider's account."};
  return {"rate_limit", answered(exchange) + ": it limits us now",
          "Credential, address and model are right. Raise the rate limit there if this is no passing peak."};
}

Diagnosis busy_or_broken(const SeenExchange& exchange) {
  const bool busy = exchange.status == 503 || exchange.status == 529;
  if (busy) return {"overloaded", answered(exchange), "Try again shortly: the provider says that it is overloaded."};
  return {"provider_error", answered(exchange),
          "The provider, or a proxy before it, has a fault of its own. Its status page may know."};
}

Diagnosis refusal(const SeenExchange& exchange, const Evidence& evidence) {
  const int status = exchange.status;
  if (status >= 300 && status < 400) return wrong_path(exchange, evidence, "sends us elsewhere, which is not followed");
  if (status == 401 || status == 403) return refused_credential(exchange, evidence);
  if (status == 404) return not_found(exchange, evidence);
  if (status == 405) return wrong_path(exchange, evidence, "takes no POST (405)");
  if (status == 402 || status == 429) return throttled(exchange, evidence);
  if (status >= 500) return busy_or_broken(exchange);
  if (auto clock = clock_trouble(exchange)) return *std::move(clock);
  if (says_no_such_model(exchange)) return unknown_model(exchange, evidence);
  return {"refused", answered(exchange) + ": it does not take the request",
          "The kind may be the wrong one for this endpoint, or the model no chat model."};
}

Diagnosis ended_badly(const SeenExchange& exchange, const Evidence& evidence) {
  if (!is_json(exchange) && exchange.content_type.find("event") == std::string::npos)
    return wrong_path(exchange, evidence,
                      "answered with something that is no model's answer (" +
                          (exchange.content_type.empty() ? "no content type" : exchange.content_type) +
                          "): a web page, or a proxy that asks for a login?");
  if (evidence.error->kind == ErrorKind::upstream_timeout)
    return {"timeout", where(exchange) + " began to answer and did not end in time", "Try again; raise timeouts."};
  return {"provider_error", answered(exchange) + ", but what came is no answer that kind " + evidence.kind + " knows",
          "Check kind: another API may stand behind this endpoint."};
}

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

// The text after `"name":`, if it is a plain word in quotes.
std::string word_of(std::string_view body, std::string_view name) {
  const std::string quoted = "\"" + std::string(name) + "\"";
  auto at = body.find(quoted);
  if (at == std::string_view::npos) return {};
  at += quoted.size();
  while (at < body.size() && (body[at] == ' ' || body[at] == ':')) ++at;
  if (at >= body.size() || body[at] != '"') return {};
  const auto end = body.find('"', at + 1);
  if (end == std::string_view::npos || end - at > 64) return {};
  const auto word = body.substr(at + 1, end - at - 1);
  const bool plain = std::all_of(word.begin(), word.end(), is_word_char);
  const bool number = std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  return plain && !number ? std::string(word) : std::string();
}

}  // namespace

Diagnosis diagnose(const Evidence& evidence) {
  if (!evidence.error) return {"ok", "", ""};
  const bool asked = !evidence.exchanges.empty() && is_provider(evidence.exchanges.back(), evidence);
  if (!asked && evidence.error->code == "upstream_auth_error") return no_credential(evidence);
  if (!asked) return {"refused", evidence.error->message, "This call cannot be put into the provider's terms."};
  const SeenExchange& exchange = evidence.exchanges.back();
  if (exchange.status == 0) return unreachable(exchange, evidence);
  if (exchange.status < 200 || exchange.status > 299) return refusal(exchange, evidence);
  return ended_badly(exchange, evidence);
}

std::string error_code_in(std::string_view header, std::string_view body) {
  const auto name = header.substr(0, header.find(':'));  // "AccessDeniedException:http://internal.amazon.com/…"
  if (!name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), is_word_char))
    return std::string(name);
  for (const std::string_view key : {"code", "type", "status", "error"}) {
    auto word = word_of(body, key);
    if (!word.empty()) return word;
  }
  return {};
}

}  // namespace tollgate::process
