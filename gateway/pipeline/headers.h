#pragma once
// The response headers of a call (contract: docs; formats as OpenAI's).
#include <chrono>
#include <string>

#include "gateway/base/error.h"
#include "gateway/server/header_lines.h"
#include "ratelimit/limiter.h"

namespace tollgate::pipeline {

// Go's duration format, as OpenAI's x-ratelimit-reset-* has it: "120ms", "8.64s", "6m0s", "1h2m3s".
std::string format_go_duration(std::chrono::milliseconds duration);

// x-ratelimit-{limit,remaining,reset}-{requests,tokens} of the caller's tightest scope; never the provider's.
void add_rate_headers(const ratelimit::Verdict& verdict, server::HeaderLines& headers);

// retry-after (whole seconds, rounded up), retry-after-ms and x-should-retry, where the error has something to say.
void add_retry_headers(const Error& error, server::HeaderLines& headers);

}  // namespace tollgate::pipeline
