// Personal data: policies, and what every department shares.
#include <algorithm>

#include "config/format.h"
#include "pii/custom.h"
#include "pii/word_list.h"

namespace tollgate::config {
namespace {

using pii::Action;
using pii::OnOpaque;
using pii::PolicyOptions;

constexpr std::pair<std::string_view, Action> kActions[] = {{"allow", Action::allow},
                                                            {"log_only", Action::log_only},
                                                            {"mask", Action::mask},
                                                            {"pseudonymise", Action::pseudonymise},
                                                            {"hash", Action::hash},
                                                            {"redact", Action::redact},
                                                            {"route_local_only", Action::route_local_only},
                                                            {"block", Action::block}};
constexpr std::pair<std::string_view, PolicyOptions::OnError> kOnError[] = {{"block", PolicyOptions::OnError::block},
                                                                            {"pass", PolicyOptions::OnError::pass}};
constexpr std::pair<std::string_view, OnOpaque> kOnOpaque[] = {
    {"pass", OnOpaque::pass}, {"local_only", OnOpaque::local_only}, {"refuse", OnOpaque::refuse}};

constexpr std::pair<std::string_view, std::string_view> kChecksums[] = {
    {"none", ""}, {"luhn", "luhn"}, {"mod11", "mod11"}, {"mod97", "mod97"}};

bool known_country(std::string_view text) {
  for (std::size_t i = 0; i < pii::kEntityTypes; ++i)
    if (!text.empty() && pii::entity(static_cast<pii::EntityType>(i)).country == text) return true;
  return false;
}

const TextRule kPattern{"a regular expression in RE2's syntax, at most 1024 bytes", "^.{1,1024}$",
                        [](std::string_view text) { return !text.empty() && text.size() <= 1024; }};

// One entry a line; empty lines and those that begin with # do not count.
void read_lines(std::string_view text, std::vector<std::string>& out) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && line[0] != '#') out.emplace_back(line);
  }
}

void detector_fields(Object& o, pii::CustomDetectorOptions& out) {
  o.text("pattern", out.pattern, kPattern, {.doc = "RE2's syntax; its first group, where it has one, is the value"});
  std::string_view checksum;
  o.choice("checksum", checksum, kChecksums, {.doc = "Of the letters and digits that the pattern found"});
  out.checksum = checksum;
  o.texts("words", out.words, kLine, {.doc = "Words and phrases, whatever their case and accents"});
  std::string file;
  o.file_text("file", file, {.doc = "The same from a file, one a line; # begins a comment"});
  read_lines(file, out.words);
  o.texts("keywords", out.keywords, kLine, {.doc = "One of them has to stand near, in the same folding"});
  o.decimal("score", out.score, {0, 1}, {.doc = "Of what it finds"});
  if (!o.describing() && !o.has("pattern") && !o.has("words") && !o.has("file"))
    o.problem("", "needs pattern, words or file");
}

void rule_fields(Object& o, pii::TypeRule& out) {
  o.choice("action", out.action, kActions, {.doc = "What is done with a value; of a type, default: the policy's"});
  o.decimal("threshold", out.threshold, {0, 1}, {.doc = "Least score that counts"});
  o.number("keep_last", out.keep_last, {0, 64},
           {.doc = "mask: how many letters and digits stay at the end, but never more than half of them"});
}

}  // namespace

bool accepts_type_name(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  pii::EntityType builtin{};
  return !text.empty() && text.size() <= 64 && text[0] >= 'A' && text[0] <= 'Z' &&
         std::all_of(text.begin(), text.end(), allowed) && !pii::parse_entity_type(text, builtin);
}

const TextRule kCountry{
    "a country whose identifiers are known: AT AU BE BR CA CH DE DK ES FI FR GB IE IN IT JP KR MX NL NO PL PT SE SG TR "
    "US ZA",
    "^[A-Z]{2}$", known_country};

void policy_fields(Object& o, PolicyOptions& out) {
  rule_fields(o, out.rule);
  o.object("types", {.doc = "Per type: an action, or {action, threshold, keep_last}"}, [&](Object& t) {
    for (std::size_t i = 0; i < pii::kEntityTypes; ++i) {
      const auto type = static_cast<pii::EntityType>(i);
      const std::string_view name = pii::to_string(type);
      pii::TypeRule rule = out.rule;
      t.choice_or_object(
          name, rule.action, kActions, {.doc = "Default: as the policy"}, [&](Object& r) { rule_fields(r, rule); },
          "pii_rule");
      if (t.has(name)) out.types[type] = rule;
    }
  });
  o.named("detectors", {.doc = "Which of pii.detectors are asked, by name: {action, threshold, keep_last}"},
          [&](const std::string& name, Object& r) {
            pii::TypeRule rule = out.rule;
            rule_fields(r, rule);
            out.custom[name] = rule;
          });
  o.references("analysers", out.analysers, Reference::To::pii_analyser, kIdentifier,
               {.doc = "Which of pii.analysers are asked; on_error says what counts when one does not answer"});
  std::vector<std::string> never;
  o.texts("never", never, kLine, {.doc = "Values that are no finding, such as the house's own addresses"});
  for (const std::string& value : never) out.never.insert(pii::fold_words(value));
  o.texts("countries", out.countries, kCountry,
          {.doc = "Whose national identifiers are looked for; default: every country's"});
  o.boolean("restore", out.restore, {.doc = "Put values back into answers"});
  const std::pair<std::string_view, std::string> packs[] = {{out.rule_pack, out.rule_pack}};
  std::string pack = out.rule_pack;
  o.choice("rule_pack", pack, packs, {.doc = "Pinned: an upgrade never changes what is found unreviewed"});
  o.choice("on_error", out.on_error, kOnError, {.doc = "When scanning fails"});
  o.choice("on_opaque", out.on_opaque, kOnOpaque,
           {.doc = "What no scanner reads: images, sound, files, token ids; in answers, what no decoder knows"});
}

void policy_file_fields(Object& o, PolicyDraft& out) {
  o.text("name", out.policy.name, kIdentifier, {.doc = "What departments name", .required = true});
  policy_fields(o, out.policy);
}

void pii_fields(Object& o, Draft& out) {
  o.reference("policy", out.pii, Reference::To::pii_policy, kIdentifier,
              {.doc = "Policy of every call; departments, applications and models can only add to it"});
  o.number("key_epoch", out.snapshot.pii_key_epoch, {1, 1'000'000},
           {.doc = "Raise it by one to rotate the keys of pseudonyms; those of the epoch before are still restored"});
  o.size("cache_bytes", out.snapshot.pii_cache_bytes, {0, std::uint64_t{16} << 30U},
         {.doc = "For what texts held when they were last scanned, so that a history is not scanned again; 0 = none"});
  out.detectors_where = o.where("detectors");
  o.named("detectors", {.doc = "What only this house knows to be personal or secret, by type name"},
          [&](const std::string& name, Object& detector) {
            auto& options = out.detectors.emplace_back();
            options.name = name;
            detector_fields(detector, options);
            if (!detector.describing() && !accepts_type_name(name))
              detector.problem("", "expected a name of its own in capitals, digits and _, such as STAFF_NUMBER");
          });
  o.list("analysers", {.doc = "Other people's detectors, asked over HTTP about what a policy asks them about"},
         [&](Object& analyser) {
           AnalyserDraft& draft = out.analysers.emplace_back();
           draft.where = analyser.where();
           analyser_fields(analyser, draft);
         });
  o.named("policies", {.doc = "By name"}, [&](const std::string& name, Object& policy) {
    PolicyDraft draft{policy.where(), {}};
    policy_fields(policy, draft.policy);
    draft.policy.name = name;
    out.policies.push_back(std::move(draft));
  });
}

}  // namespace tollgate::config
