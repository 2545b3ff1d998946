#include "local_backend/schema_reference.h"

#include <algorithm>
#include <vector>

namespace tollgate::local_backend {
namespace {

const Json* member(const Json& value, std::string_view part) {
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const bool found = value.is(Json::Kind::object) ? pointer_part(value.keys[i]) == part : std::to_string(i) == part;
    if (found) return &value.items[i];
  }
  return nullptr;
}

// What a schema hands the whole decision to.
std::vector<const Json*> delegates(const Json& root, const Json& schema) {
  std::vector<const Json*> out;
  if (const Json* reference = schema.find("$ref")) {
    if (const Json* target = referred_to(root, reference->string)) out.push_back(target);
  }
  for (const std::string_view word : kAlternatives) {
    const Json* options = schema.find(word);
    for (std::size_t i = 0; options != nullptr && i < options->items.size(); ++i) out.push_back(&options->items[i]);
  }
  return out;
}

}  // namespace

std::string pointer_part(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? std::string("~0") : c == '/' ? std::string("~1") : std::string(1, c);
  return out;
}

const Json* referred_to(const Json& root, std::string_view reference) {
  if (!reference.starts_with('#')) return nullptr;
  const Json* at = &root;
  reference.remove_prefix(1);
  while (at != nullptr && !reference.empty()) {
    if (reference.front() != '/') return nullptr;
    const std::size_t end = std::min(reference.find('/', 1), reference.size());
    at = member(*at, reference.substr(1, end - 1));
    reference.remove_prefix(end);
  }
  return at;
}

bool leads_to_itself(const Json& root, const Json& schema) {
  std::vector<const Json*> open = {&schema};
  std::vector<const Json*> seen;
  while (!open.empty()) {
    const Json* at = open.back();
    open.pop_back();
    if (std::ranges::find(seen, at) != seen.end()) continue;
    seen.push_back(at);
    for (const Json* next : delegates(root, *at)) {
      if (next == &schema) return true;
      open.push_back(next);
    }
  }
  return false;
}

}  // namespace tollgate::local_backend
