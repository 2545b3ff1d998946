#include "gateway/pipeline/screen.h"

#include <algorithm>

#include "providers/kinds.h"

namespace tollgate::pipeline {
namespace {

// Moves replacements from offsets in the decoded text to edits of the body. Replacements need no escape, whatever the
// nesting of JSON around them.
void add_edits(std::string_view raw, const providers::TextField& field, std::vector<pii::Replacement> replacements,
               std::vector<providers::Edit>& edits) {
  std::vector<std::uint32_t> offsets;
  offsets.reserve(replacements.size() * 2);
  for (const auto& r : replacements) {
    offsets.push_back(static_cast<std::uint32_t>(r.start));
    offsets.push_back(static_cast<std::uint32_t>(r.end));
  }
  if (field.has_escapes) offsets = providers::raw_offsets(raw, offsets);
  for (std::size_t i = 0; i < replacements.size(); ++i) {
    const providers::Span span{field.span.offset + offsets[2 * i], offsets[2 * i + 1] - offsets[2 * i]};
    edits.push_back({span, std::move(replacements[i].with)});
  }
}

// A text of a call as it stands there, and as it reads: decoded when somebody wants to know.
class Text {
 public:
  Text(std::string_view raw, bool has_escapes) : raw_(raw), has_escapes_(has_escapes) {}
  std::string_view raw() const { return raw_; }
  bool has_escapes() const { return has_escapes_; }
  std::string_view read() {
    if (!has_escapes_) return raw_;
    if (!decoded_) decoded_ = providers::unescape_json(raw_);
    return *decoded_;
  }

 private:
  std::string_view raw_;
  bool has_escapes_;
  std::optional<std::string> decoded_;
};

// What all texts of one call are screened with.
class Screening {
 public:
  Screening(const Services& services, const pii::Policies& policies, const pii::Pseudonymiser& pseudonymiser)
      : services_(services),
        policies_(policies),
        pseudonymiser_(pseudonymiser),
        scope_(policies.scan_scope()),
        escaped_scope_(scope_ + "\\") {}
  const pii::Policies& policies() const { return policies_; }

  // What was seen before is known by its bytes: mostly it has nothing in it, and is not even decoded.
  // `others`: what analysers have found in the text; `quoted`: the text is JSON.
  Result<std::vector<pii::Replacement>> scrub(Text& text, const std::vector<pii::Finding>& others, bool quoted,
                                              pii::Scrubbed& out) const {
    const auto found = services_.scan_cache.find(text.has_escapes() ? escaped_scope_ : scope_, text.raw(),
                                                 [&] { return pii::find(text.read(), services_.scanner, policies_); });
    if (found->empty() && others.empty()) return std::vector<pii::Replacement>();
    if (others.empty()) return pii::scrub(text.read(), *found, policies_, pseudonymiser_, out);
    const auto all = pii::merge(text.read(), *found, others, quoted);
    return pii::scrub(text.read(), all, policies_, pseudonymiser_, out);
  }

 private:
  const Services& services_;
  const pii::Policies& policies_;
  const pii::Pseudonymiser& pseudonymiser_;
  std::string scope_;
  std::string escaped_scope_;
};

// The kind of place, for the log: who wrote the text.
std::string_view position_of(const providers::TextField& field) {
  if (field.json_inside) return "arguments";
  switch (field.role) {
    case providers::Role::system:
      return "system";
    case providers::Role::user:
      return "user";
    case providers::Role::assistant:
      return "assistant";
    case providers::Role::tool:
      return "tool";
    case providers::Role::other:
      break;
  }
  return "other";
}

// The digests of the log change every thirty days: values can be followed for a month, and no longer.
std::int64_t audit_period(const Services& services) {
  constexpr std::int64_t kMilliseconds = std::int64_t{30} * 24 * 3600 * 1000;
  return unix_ms(services.clock.system_now()) / kMilliseconds;
}

Status screen_field(const Screening& with, const providers::Call& call, const providers::TextField& field,
                    const std::vector<pii::Finding>& others, Screened& out) {
  const auto raw = std::string_view(*call.body).substr(field.span.offset, field.span.length);
  Text text(raw, field.has_escapes);
  out.pii.position = position_of(field);
  TG_TRY(auto replacements, with.scrub(text, others, field.json_inside, out.pii));
  if (!replacements.empty()) add_edits(raw, field, std::move(replacements), out.edits);
  return {};
}

Status screen_call(const Screening& with, const providers::Call& call, const Analysed& analysed, Screened& out) {
  static const std::vector<pii::Finding> kNothing;
  if (call.index.opaque_parts) TG_CHECK(allow_opaque(with.policies(), out));
  for (std::size_t i = 0; i < call.index.texts.size(); ++i)
    TG_CHECK(screen_field(with, call, call.index.texts[i], analysed.empty() ? kNothing : analysed[i], out));
  return {};
}

const pii::Pseudonymiser* pseudonymiser_of(const View& view, const auth::Principal& who) {
  const auto it = view.pseudonymisers.find(who.department->id);
  return it == view.pseudonymisers.end() ? nullptr : it->second.get();
}

Error no_pseudonymiser() { return {ErrorKind::internal, "The gateway has no pseudonym key for this department."}; }

Error policy_missing(const Services& services, const auth::Principal& who) {
  services.log.write(LogLevel::error, "pii_policy_missing",
                     "the key's policy is not configured, so its calls are refused; configure it, or make another key",
                     {{"credential", std::string_view(who.credential)}, {"policy", std::string_view(who.pii)}});
  return Error{.kind = ErrorKind::permission_denied,
               .message =
                   "The policy for personal data that this key was issued with is not known to the gateway, so nothing "
                   "was sent. Ask your platform team to configure it or to issue another key.",
               .code = "pii_policy_missing",
               .retryable = false};
}

std::string for_insiders_only(const Screened& screened) {
  if (!screened.pii.local_only) return "sound, pictures or files";
  return "data of type " + *screened.pii.local_only;
}

}  // namespace

Result<pii::Policies> policies_of(const Services& services, const View& view, const auth::Principal& who) {
  pii::Policies out;
  if (who.relayed_as) return out;
  out.add(view.snapshot->pii.get());
  out.add(who.department->pii.get());
  if (who.application != nullptr) out.add(who.application->pii.get());
  if (!who.pii.empty()) {
    const auto own = view.snapshot->pii_policies.find(who.pii);
    if (own == view.snapshot->pii_policies.end()) return policy_missing(services, who);
    out.add(own->second.get());
  }
  if (!out.empty()) out.add_countries(who.department->countries);
  return out;
}

void note_opaque(const Services& services, const auth::Principal& who, const pii::Policies& policies) {
  services.metrics.count("tollgate_pii_opaque_total", {{"department", std::string_view(who.department->id)},
                                                       {"rule", to_string(policies.on_opaque())}});
}

Status allow_opaque(const pii::Policies& policies, Screened& out) {
  const auto rule = policies.on_opaque();
  if (rule == pii::OnOpaque::local_only) out.opaque_local_only = true;
  if (rule != pii::OnOpaque::refuse) return {};
  return Error{.kind = ErrorKind::permission_denied,
               .message =
                   "This key may not send sound, pictures or files: its policy lets nothing pass that cannot be "
                   "scanned. Send text.",
               .code = "opaque_content_refused",
               .retryable = false};
}

Screened screen(const Services& services, const View& view, const auth::Principal& who, const pii::Policies& policies,
                const providers::Call& call, const Analysed& analysed) {
  Screened out;
  if (policies.empty()) return out;
  out.rule_pack = policies.rule_pack();
  out.pii.audit_period = audit_period(services);
  const auto* pseudonymiser = pseudonymiser_of(view, who);
  if (pseudonymiser == nullptr) {
    out.refusal = no_pseudonymiser();
    return out;
  }
  if (call.index.opaque_parts) note_opaque(services, who, policies);
  auto screened = screen_call(Screening(services, policies, *pseudonymiser), call, analysed, out);
  if (!screened) out.refusal = std::move(screened).error();
  return out;
}

Result<std::string> screen_text(const Services& services, const View& view, const auth::Principal& who,
                                const pii::Policies& policies, std::string text, Screened& out) {
  if (policies.empty()) return text;
  const auto* pseudonymiser = pseudonymiser_of(view, who);
  if (pseudonymiser == nullptr) return no_pseudonymiser();
  const Screening with(services, policies, *pseudonymiser);
  out.pii.audit_period = audit_period(services);
  out.pii.position = "form";
  Text as_it_stands(text, false);
  TG_TRY(const auto replacements, with.scrub(as_it_stands, {}, false, out.pii));
  if (out.pii.local_only && !out.opaque_local_only)
    return Error{.kind = ErrorKind::permission_denied,
                 .message = "The upload contains " + for_insiders_only(out) +
                            ", which only models that run in-house may see. Remove it.",
                 .code = "pii_local_only",
                 .retryable = false};
  for (auto it = replacements.rbegin(); it != replacements.rend(); ++it)
    text.replace(it->start, it->end - it->start, it->with);
  return text;
}

bool inside_the_house(const View& view, const routing::Candidate& candidate) {
  const auto it = view.snapshot->providers.find(candidate.target.provider);
  return it != view.snapshot->providers.end() && (it->second->kind == "local" || providers::is_pool(it->second->kind) ||
                                                  it->second->processing_region == "local");
}

Status keep_permitted(const View& view, const Screened& screened, const std::string& model,
                      std::vector<routing::Candidate>& candidates) {
  if (!screened.pii.local_only && !screened.opaque_local_only) return {};
  std::erase_if(candidates, [&](const auto& candidate) { return !inside_the_house(view, candidate); });
  if (!candidates.empty()) return {};
  return Error{.kind = ErrorKind::permission_denied,
               .message = "The request contains " + for_insiders_only(screened) +
                          ", which only models that run in-house may see, and `" + model +
                          "` does not. Remove it, or ask for a model that does.",
               .code = "pii_local_only",
               .param = "model",
               .retryable = false};
}

}  // namespace tollgate::pipeline
