// Personal data: other people's detectors.
#include <algorithm>

#include "config/format.h"

namespace tollgate::config {
namespace {

using Kind = Analyser::Kind;

constexpr std::pair<std::string_view, Kind> kKinds[] = {
    {"presidio", Kind::presidio}, {"azure_language", Kind::azure_language}, {"comprehend", Kind::comprehend}};

constexpr std::pair<std::string_view, bool> kDomains[] = {{"none", false}, {"phi", true}};

// How each proves to its server who we are.
constexpr providers::ProviderKind kIdentities[] = {
    {.name = "presidio"},
    {.name = "azure_language", .entra = true, .key_header = providers::KeyIdentity::Header::ocp_apim_key},
    {.name = "comprehend", .aws = true, .aws_service = "comprehend"}};

const TextRule kOurName{"a type of ours in capitals, such as PERSON", "^[A-Z][A-Z0-9_]{0,63}$",
                        [](std::string_view text) {
                          pii::EntityType builtin{};
                          return accepts_type_name(text) || pii::parse_entity_type(text, builtin);
                        }};

bool accepts_their_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}
const TextRule kTheirName{"a type as the analyser names it, such as Person", "^[A-Za-z0-9_]{1,64}$",
                          accepts_their_name};

void way_fields(Object& o, AnalyserDraft& out) {
  out.way.where = out.where;
  out.way.url_where = o.where("url");
  o.text(
      "url", out.way.url, kUrl,
      {.doc = "https://host[:port][/base]: all that stands before /analyze (presidio) or /language/ (azure_language)",
       .required = true});
  o.boolean("plain_http", out.way.plain_http, {.doc = "Allows an http:// url"});
  o.certificate("ca", out.way.ca_pem, {.doc = "PEM file that replaces the system's authorities; short for egress.ca"});
  o.object("auth",
           {.doc = "How we show who we are: api_key, entra or bearer (azure_language), aws (comprehend), bearer "
                   "or nothing (presidio)"},
           [&](Object& a) { auth_fields(a, kIdentities, out.way); });
  o.object("egress", {.doc = "The way out, as of a provider"}, [&](Object& e) {
    if (o.has("ca") && e.has("ca")) e.problem("ca", "stands beside the analyser's ca: one of them says whom to trust");
    egress_fields(e, out.way);
  });
  transport_field(o, out.way);
}

void azure_fields(Object& o, Analyser& out) {
  o.text("api_version", out.api_version, kIdentifier, {.doc = "For kind azure_language"});
  o.choice("domain", out.health, kDomains, {.doc = "For kind azure_language; phi: health data counts too"});
  for (const std::string_view name : {"api_version", "domain"})
    if (o.has(name) && out.kind != Kind::azure_language) o.problem(name, "is for kind azure_language");
}

// A cloud tells nobody without a credential, and one of another cloud is of no use.
void check_identity_of(Object& o, const AnalyserDraft& out) {
  const auto* identity = out.way.options.identity.get();
  if (out.analyser.kind == Kind::azure_language && !o.has("auth"))
    o.problem("auth", "kind azure_language needs {api_key: …} or {entra: …}");
  const bool other = identity != nullptr && !std::holds_alternative<providers::AwsIdentity>(*identity);
  if (out.analyser.kind == Kind::comprehend && (!o.has("auth") || other))
    o.problem("auth", "kind comprehend needs {aws: …}");
}

// These stand for many types, which answers name one by one.
void check_names(Object& o, const AnalyserDraft& out) {
  for (const auto& [theirs, ours] : out.entities)
    if (out.analyser.kind != Kind::presidio && (theirs == "All" || theirs == "ALL" || theirs == "Default"))
      o.problem("entities", "'" + theirs + "' stands for many types: name each");
}

}  // namespace

void analyser_fields(Object& o, AnalyserDraft& out) {
  Analyser& analyser = out.analyser;
  o.text("name", analyser.name, kIdentifier, {.doc = "What policies name", .required = true});
  o.choice("kind", analyser.kind, kKinds, {.doc = "Whose API it speaks"});
  out.way.options.kind = kKinds[static_cast<std::size_t>(analyser.kind)].first;
  way_fields(o, out);
  azure_fields(o, analyser);
  o.renamed(
      "entities", out.entities, kTheirName, kOurName,
      {.doc = "What it is asked for: the analyser's name of a type, and ours; or a list of those that are the same",
       .required = true});
  o.text("language", analyser.language, kIdentifier, {.doc = "Of the texts, as the analyser names it"});
  o.duration("timeout", analyser.timeout, {std::chrono::milliseconds(10), std::chrono::milliseconds(60'000)},
             {.doc = "For all texts of one call together"});
  o.number("max_failures", analyser.max_failures, {1, 1'000},
           {.doc = "In a row; then it is not asked for a while, and the policies' on_error decides at once"});
  o.duration("pause", analyser.pause, {std::chrono::milliseconds(100), std::chrono::milliseconds(3'600'000)},
             {.doc = "How long that while is; then one call tries"});
  o.decimal("min_score", analyser.min_score, {0, 1}, {.doc = "Findings below do not count"});
  if (o.describing()) return;
  check_identity_of(o, out);
  check_names(o, out);
}

}  // namespace tollgate::config
