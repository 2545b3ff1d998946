#pragma once
// Asks the running gateway by its admin port.
#include <string>

#include "config/snapshot.h"
#include "gateway/base/result.h"

namespace tollgate::cli {

// Blocking; at most 30 s of silence. `body` empty: GET, else POST. Gives the body of a 200; errors say what the gateway
// said, or that none runs there.
Result<std::string> ask_gateway(const config::Snapshot& snapshot, const std::string& path,
                                const std::string& body = {});

}  // namespace tollgate::cli
