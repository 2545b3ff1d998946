#pragma once
// Admission of one call: the limits that bind it, one atomic decision over all of them, and what a refusal says.
#include <cstdint>

#include "gateway/auth/keys.h"
#include "gateway/pipeline/report.h"
#include "gateway/pipeline/services.h"
#include "gateway/server/header_lines.h"

namespace tollgate::pipeline {

struct Admitted {
  ratelimit::Ticket ticket;     // settles whatever happens
  server::HeaderLines headers;  // x-ratelimit-*
};

// Reserves `tokens`, the most the call can use. `model`: null for a call of none. A refusal names the scope and the
// meter that refused, and leaves its x-ratelimit-* headers in `report`. The arguments must live until the result is
// there.
net::Task<Result<Admitted>> admit(const Services& services, const View& view, const auth::Principal& who,
                                  const config::Model* model, std::int64_t tokens, Report& report);

}  // namespace tollgate::pipeline
