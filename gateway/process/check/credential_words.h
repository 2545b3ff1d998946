#pragma once
// What an identity is called when one speaks to people.
#include <string>

#include "providers/identity/options.h"

namespace tollgate::process {

// "the AWS profile prod"; empty where nothing is sent. Names no secret.
std::string credential_words(const providers::IdentityOptions* identity);

}  // namespace tollgate::process
