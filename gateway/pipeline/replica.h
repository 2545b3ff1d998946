#pragma once
// Calls that replicas of the gateway send to this process, which is their pool of models.
#include "gateway/auth/keys.h"

namespace tollgate::pipeline {

// Whom a replica calls for: what its headers say, in the place of a department of this configuration. It may use every
// model here, for the replica has already looked at what it may. Errors: those of providers::read_pool_headers().
Result<auth::Principal> caller_of(const config::Replica& replica, const net::HeadFacts& head,
                                  const config::Snapshot& snapshot);

// What a replica hears that asks its pool for anything but a model.
Error not_relayed();

}  // namespace tollgate::pipeline
