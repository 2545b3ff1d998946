#pragma once
// Private to providers/identity: what Google's and Microsoft's token endpoints answer.
#include <string_view>

#include "providers/identity/fetcher.h"

namespace tollgate::providers {

// RFC 6749 §5.1 and §5.2, and the dialects of the metadata services: numbers as strings, `expires_on` in Unix seconds
// in place of `expires_in`. `asked_at` is when the request left: a token's life is counted from there. `who` is named
// in errors. Errors: upstream_error; the message has the error code at most, never a description, which may repeat what
// was sent.
Result<Credential> read_token_reply(std::string_view who, const TokenReply& reply, SystemTime asked_at);

}  // namespace tollgate::providers
