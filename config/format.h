#pragma once
// The format: every key of every mapping, declared once for reading, checking and describing.
#include "config/draft.h"
#include "providers/kinds.h"

namespace tollgate::config {

void main_fields(Object& o, Draft& out);
void limits_fields(Object& o, ratelimit::Limits& out);

// The parts that may also lie in included files, one per file.
void provider_fields(Object& o, ProviderDraft& out);
// REQUIRES: kind and endpoint were read; `kinds` is the table that the kind is a row of.
void auth_fields(Object& o, std::span<const providers::ProviderKind> kinds, ProviderDraft& out);
void egress_fields(Object& o, ProviderDraft& out);  // the way out
void transport_field(Object& o, ProviderDraft& out);
void server_fields(Object& o, ProviderDraft& out);  // what some kinds have. REQUIRES: kind was read
// A key that only some kinds have is a problem elsewhere. REQUIRES: the key was declared
void for_kinds(Object& o, std::string_view name, const std::string& kind, bool (*has)(const providers::ProviderKind&),
               std::span<const providers::ProviderKind> kinds = providers::provider_kinds());
void model_fields(Object& o, ModelDraft& out);
void department_fields(Object& o, DepartmentDraft& out);
void policy_fields(Object& o, pii::PolicyOptions& out);  // inline, where the key is the name
void policy_file_fields(Object& o, PolicyDraft& out);    // in a file of its own
extern const TextRule kCountry;                          // whose identifiers are known
void pii_fields(Object& o, Draft& out);                  // of the main file
void analyser_fields(Object& o, AnalyserDraft& out);     // one of pii.analysers
bool accepts_type_name(std::string_view text);           // of the house's own types

// One kind of included file: the directory it lies in decides.
struct PartKind {
  std::string_view directory;   // "departments"
  std::string_view definition;  // its name under $defs: "department"
  void (*read)(Object& o, Draft& out);
};
std::span<const PartKind> part_kinds();

}  // namespace tollgate::config
