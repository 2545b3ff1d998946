#pragma once
// Private to providers/identity: the two documents that AWS's Security Token Service answers with.
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "providers/identity/credential.h"

namespace tollgate::providers {

// The Credentials element of an AssumeRole or AssumeRoleWithWebIdentity answer, wherever it stands.
// Strict: at most 64 KiB and 16 levels, UTF-8 as it comes, no document type, no processing instructions but the first
// line, no comments, no CDATA, none but the five named entities and character references to ASCII. Each of the four
// members once. Errors: upstream_error, which quotes nothing.
Result<Credential> parse_sts_credentials(std::string_view xml);

// The Code of an error answer, such as "AccessDenied"; empty when there is none that is a plain word.
std::string parse_sts_error_code(std::string_view xml);

}  // namespace tollgate::providers
