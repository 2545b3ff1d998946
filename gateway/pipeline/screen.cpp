#include "gateway/pipeline/screen.h"

#include <algorithm>

namespace tollgate::pipeline {
namespace {

// Moves replacements from offsets in the decoded text to edits of the body. Replacements are letters and digits, so
// they need no escaping, whatever the nesting of JSON around them.
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

Status screen_field(const Services& services, const pii::PolicyOptions& policy, const pii::Pseudonymiser& pseudonymiser,
                    const providers::Call& call, const providers::TextField& field, Screened& out) {
  const auto raw = std::string_view(*call.body).substr(field.span.offset, field.span.length);
  const std::string decoded = field.has_escapes ? providers::unescape_json(raw) : std::string();
  const std::string_view text = field.has_escapes ? std::string_view(decoded) : raw;
  TG_TRY(auto replacements, pii::scrub(text, services.scanner, policy, pseudonymiser, out.restore, out.counts));
  if (!replacements.empty()) add_edits(raw, field, std::move(replacements), out.edits);
  return {};
}

Result<std::shared_ptr<const pii::Pseudonymiser>> pseudonymiser_of(const View& view, const auth::Principal& who) {
  const auto it = view.pseudonymisers.find(who.department->id);
  if (it != view.pseudonymisers.end()) return it->second;
  return Error{ErrorKind::internal, "The gateway has no pseudonym key for this department."};
}

}  // namespace

Status allow_opaque(const auth::Principal& who) {
  const auto& policy = who.department->pii;
  if (!policy || policy->on_opaque == pii::PolicyOptions::OnOpaque::pass) return {};
  return Error{.kind = ErrorKind::permission_denied,
               .message = "Department `" + who.department->id +
                          "` may not send sound, pictures or files: its policy lets nothing pass that cannot be "
                          "scanned. Send text.",
               .code = "opaque_content_refused",
               .retryable = false};
}

Result<std::string> screen_text(const Services& services, const View& view, const auth::Principal& who,
                                std::string text, Screened& out) {
  const auto& policy = who.department->pii;
  if (!policy) return text;
  TG_TRY(const auto pseudonymiser, pseudonymiser_of(view, who));
  pii::RestoreMap forgotten;  // of a policy that does not restore
  pii::RestoreMap& restore = policy->restore ? out.restore : forgotten;
  TG_TRY(const auto replacements, pii::scrub(text, services.scanner, *policy, *pseudonymiser, restore, out.counts));
  for (auto it = replacements.rbegin(); it != replacements.rend(); ++it)
    text.replace(it->start, it->end - it->start, it->with);
  return text;
}

Result<Screened> screen(const Services& services, const View& view, const auth::Principal& who,
                        const providers::Call& call) {
  Screened out;
  const auto& policy = who.department->pii;
  if (!policy) return out;
  out.rule_pack = policy->rule_pack;
  if (call.index.opaque_parts) TG_CHECK(allow_opaque(who));
  TG_TRY(const auto pseudonymiser, pseudonymiser_of(view, who));
  for (const auto& field : call.index.texts)
    TG_CHECK(screen_field(services, *policy, *pseudonymiser, call, field, out));
  if (!policy->restore) out.restore = {};
  return out;
}

}  // namespace tollgate::pipeline
