#pragma once

namespace tollgate::local_backend {

// Where a ProcessEngine puts the worker's socket.
inline constexpr int kWorkerSocket = 3;

// The other end of a ProcessEngine: loads what the first message names and serves it over `socket` until that closes.
// Returns the process' exit code. Dies with its parent, and never leaves a core: it holds prompts.
int run_worker(int socket);

}  // namespace tollgate::local_backend
