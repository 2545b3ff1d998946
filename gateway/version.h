#pragma once

namespace tollgate {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace tollgate
