#pragma once
// From what was seen to words an operator can act on. Pure.
#include <string>

#include "gateway/process/check/evidence.h"

namespace tollgate::process {

struct Diagnosis {
  // A stable word for scripts: ok, dns, connection, timeout, proxy, tls, credentials, clock, permission, model, quota,
  // rate_limit, wrong_path, refused, overloaded, provider_error.
  std::string status;
  std::string what;    // what is wrong, in one sentence
  std::string advice;  // what to do; empty: nothing
};

// Quotes nothing that a provider or a token endpoint wrote, but error codes that are plain words.
Diagnosis diagnose(const Evidence& evidence);

// The provider's own name for an error: the header's where there is one (Amazon), else the first of JSON's "code",
// "type", "status" and "error" that is a plain word of letters. Empty when there is none.
std::string error_code_in(std::string_view header, std::string_view body);

}  // namespace tollgate::process
