#pragma once
// glibc's malloc, set for a program of few threads and many small allocations that live for one call.

namespace tollgate::cli {

// Starts the program anew, once, with what glibc reads from the environment only: a call frees more blocks of one size
// than the seven that a thread keeps by default, and fast bins cost a consolidation whenever a block at the top is
// freed. Worth 11 % of the instructions of a call with everything on (callgrind: 274,700 -> 244,800). Somebody's own
// GLIBC_TUNABLES are left alone. Returns where nothing is to be done or the program can't be started anew (no /proc):
// then it is merely slower. Under a tool that does not follow exec, such as valgrind, set GLIBC_TUNABLES to nothing.
// Call it first: it keeps nothing but the arguments, the environment and open descriptors.
void tune_allocator(char** argv);

}  // namespace tollgate::cli
