#pragma once
// What a replica of the gateway and a pool of models (kind tollgate_pool) tell each other beside the call: who calls,
// on the way there; what the answer took, on the way back. The headers, both ways. Pure.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/ids.h"
#include "gateway/base/result.h"
#include "gateway/net/http1.h"
#include "providers/transport.h"

namespace tollgate::providers {

struct PoolCaller {
  std::string department;
  std::string application;
  std::string criticality = "high";  // "low", "medium", "high"
};

// `refuse_lossy`: a parameter that the model has no place for is to be an error.
std::vector<net::Header> pool_headers(const PoolCaller& caller, bool refuse_lossy);

// The name that the replica gave the call: its x-request-id, and so the pool's.
struct PoolCall {
  PoolCaller caller;
  Uuid request_id;
};

// Of a call whose sender has proved to be a replica. Error: invalid_request, naming the header that is missing, stands
// there twice, or is not what a replica writes.
Result<PoolCall> read_pool_headers(const net::HeadFacts& head);

// The engine's time for an answer, in microseconds: a header of a plain answer, a trailer of a stream, so that bodies
// stay as they are in every API.
inline constexpr std::string_view kComputeHeader = "x-tollgate-compute-us";

// To be believed of a pool only.
struct PoolReport {
  std::int64_t compute_us = -1;  // known once the body was read to its end; -1: it did not say
  std::string lossy;             // request fields that the model had no place for, comma-separated
};
// REQUIRES: answer.start() was ok
PoolReport read_pool_report(const HttpExchange& answer);

}  // namespace tollgate::providers
