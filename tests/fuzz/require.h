#pragma once
// How a fuzz target says what must hold.
#include <cstdio>
#include <cstdlib>
#include <source_location>

inline void require(bool holds, const char* promise = "", std::source_location at = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: broken promise: %s\n", at.file_name(), static_cast<unsigned>(at.line()), promise);
  std::abort();
}
