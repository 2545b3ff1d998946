#pragma once
// One YAML file as a plain tree that remembers lines. What YAML offers beyond trees (anchors, aliases, tags, merge
// keys, several documents) is refused: a configuration reads the same in every parser.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace tollgate::config {

inline constexpr std::size_t kMaxFileBytes = 1 << 20;
inline constexpr std::size_t kMaxDepth = 32;
inline constexpr std::size_t kMaxNodes = 200'000;  // per file

struct Member;

// Value type; owns its children.
struct Node {
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  bool quoted = false;  // scalar: written in quotes or as a block, so surely text
  int line = 0;         // 1-based
  std::string text;     // scalar
  std::vector<Node> items;
  std::vector<Member> members;  // in the order of the file; keys are unique

  const Member* find(std::string_view key) const;
};

struct Member {
  std::string key;
  int line = 0;
  Node value;
};

// nullopt when the text is not one strict YAML document; the reasons are appended to `problems` under the name `file`.
// An empty document is a null node. Never throws for what a text can hold.
std::optional<Node> parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems);

}  // namespace tollgate::config
