#pragma once
// Private to providers/identity: Google's credential files, and the assertion made from a service account's key.
#include <chrono>
#include <map>
#include <string>
#include <variant>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::providers {

struct GoogleServiceAccount {
  std::string email;
  std::string key_id;  // may be empty
  Secret private_key;  // PEM
  std::string token_url;
};

// Workload identity federation: somebody else's token for one of Google's.
struct GoogleExternalAccount {
  std::string audience;
  std::string subject_token_type;
  std::string token_url;
  std::string impersonation_url;  // empty: none
  std::chrono::seconds impersonation_life{3'600};
  std::string workforce_project;  // empty: none
  std::string file;               // where the subject token comes from: this, or `url`
  std::string url;
  std::map<std::string, std::string> headers;  // for `url`
  std::string json_member;                     // empty: the content is the token
};

// A person's own, from `gcloud auth application-default login`.
struct GoogleUser {
  std::string client_id;
  Secret client_secret;
  Secret refresh_token;
  std::string token_url;
};

using GoogleKey = std::variant<GoogleServiceAccount, GoogleExternalAccount, GoogleUser>;

// Errors: upstream_error, which names the member at fault and quotes no value. Sources that run a program, ask AWS or
// present a certificate are refused.
Result<GoogleKey> parse_google_key(const Secret& json);

// The signed JWT of RFC 7523 that is exchanged for a token: issuer and scope, an hour from `now`.
Result<std::string> google_assertion(const GoogleServiceAccount& account, std::string_view scope, SystemTime now);

}  // namespace tollgate::providers
