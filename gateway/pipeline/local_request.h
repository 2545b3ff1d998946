#pragma once
// From a canonical chat request to what the embedded model is asked. Pure.
#include <string>
#include <vector>

#include "local_backend/api.h"
#include "providers/canonical.h"

namespace tollgate::pipeline {

// Errors: invalid_request with `param`.
Result<local_backend::GenerateRequest> local_request(const providers::CanonicalRequest& canonical,
                                                     const std::string& department);

// The fields that the embedded model leaves out: the caller is told. `takes_tools`: ModelFacts.
std::vector<std::string> left_out_by_local_model(const providers::CanonicalRequest& request, bool takes_tools);

}  // namespace tollgate::pipeline
