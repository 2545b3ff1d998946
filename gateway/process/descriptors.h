#pragma once
// The system's limit of open files, and how many callers it carries. A gateway that runs into it can neither answer its
// health checks nor write its ledger, so callers are kept below it.
#include <cstddef>

namespace tollgate::process {

// Raises the soft limit of this process to its hard one and returns it: services are started with a soft limit of 1,024
// for the sake of select(2), which nothing here uses (getrlimit(2), systemd.exec(5) LimitNOFILE). Call it at start.
std::size_t raise_descriptor_limit();

// How many descriptors this process has open now.
std::size_t open_descriptors();

// Callers' connections that `limit` carries beside what was `open` at start: each may need one more to its provider,
// and some are left to whatever is opened later (scrapes, Redis, PostgreSQL, tokens). At least 1.
std::size_t carried_connections(std::size_t limit, std::size_t open);

}  // namespace tollgate::process
