#pragma once
// A part of a snapshot as named, readable values: what sharing compares and semantic_diff shows. One list per part, so
// that a field cannot be forgotten by one of the two.
#include <string>
#include <vector>

#include "config/schema.h"
#include "config/snapshot.h"

namespace tollgate::config {

struct Fact {
  std::string name;   // as in the file: "limits.requests_per_minute"
  std::string value;  // readable; of a secret only a digest that means nothing outside this process
  Applies applies = Applies::reload;
  bool secret = false;
  friend bool operator==(const Fact&, const Fact&) = default;
};
using Facts = std::vector<Fact>;

Facts facts_of(const Department& department);
Facts facts_of(const Model& model);
// Without the client certificate, which lies inside the TLS context.
Facts facts_of(const providers::ProviderOptions& provider);
Facts facts_of(const pii::PolicyOptions& policy);
Facts facts_of(const Analyser& analyser);
Facts facts_of(const FileKey& key);
Facts facts_of(const LocalModel& model);
// Everything else: listen, stores, log.
Facts settings_of(const Snapshot& snapshot);

// BLAKE2b under a key drawn when the process starts.
std::string private_digest(std::string_view bytes);

// Twelve hexadecimal digits that are the same everywhere: names a content, hides nothing.
std::string public_digest(std::string_view bytes);

bool same_endpoint(const providers::Endpoint& a, const providers::Endpoint& b);

}  // namespace tollgate::config
