#pragma once
// What `top -H`, perf and a debugger call a thread.
#include <pthread.h>

namespace tollgate {

// At most 15 characters; a longer name is not taken (pthread_setname_np(3)).
inline void name_this_thread(const char* name) { (void)pthread_setname_np(pthread_self(), name); }

}  // namespace tollgate
