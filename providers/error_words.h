#pragma once
// Errors as OpenAI's API says them, and what compatible servers say instead (README.md lists the shapes). Internal to
// providers/.
#include <string_view>

#include "providers/json_reader.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {

// Consumes the value of an `error` member: an object with OpenAI's four members, or the message alone. Gives how many
// of the four the object has, each a text or null; what it leaves out stays as it is in `words`.
int read_error(JsonReader& reader, ProviderWords& words);

struct ErrorBody {
  ProviderWords words;
  int members = 0;  // as read_error counts; 0 where callers would not know the form
};
// A whole error body: {"error":{...}}, {"error":"text"}, {"message":...}, {"detail":"text"} or {"detail":[{"msg":...}]}
// (FastAPI), the last also inside "message" (Mistral); the first of a list (Google). Empty for anything else.
ErrorBody read_error_body(std::string_view body);

}  // namespace tollgate::providers
