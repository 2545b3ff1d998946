#pragma once
// How a request's members and values are called in messages to the caller. Internal to providers/.
#include <string>
#include <string_view>

#include "providers/json_reader.h"

namespace tollgate::providers {

inline std::string_view name_of(JsonReader::Kind kind) {
  static constexpr std::string_view kNames[] = {"an object", "an array", "a string", "a number",
                                                "a boolean", "null",     "nothing"};
  return kNames[static_cast<std::size_t>(kind)];
}

// What a member is called in error messages: "messages[2].content[0].type". Built only when something is wrong.
struct Place {
  static constexpr int kNone = -1;
  std::string_view list = "messages";
  int item = kNone;
  std::string_view inner = {};  // "content" or "tool_calls"
  int inner_item = kNone;
  std::string_view object = {};  // a named object inside, such as "function"

  std::string path(std::string_view member) const {
    std::string out;
    if (item != kNone) out = std::string(list) + "[" + std::to_string(item) + "]";
    if (inner_item != kNone) out += "." + std::string(inner) + "[" + std::to_string(inner_item) + "]";
    for (const auto part : {object, member})
      if (!part.empty()) out += (out.empty() ? "" : ".") + std::string(part);
    return out;
  }
};

}  // namespace tollgate::providers
