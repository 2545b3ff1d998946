// Any bytes: findings lie in the text, in order, without overlap; scrubbing twice changes nothing; restoring gives the
// text back, but for values that were spelled in more than one way.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "pii/pii.h"

namespace {

using namespace tollgate;
using namespace tollgate::pii;

void check(bool good) {
  if (!good) std::abort();
}

std::string apply(std::string_view text, const std::vector<Replacement>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const auto& edit : edits) {
    check(edit.start >= at && edit.start < edit.end && edit.end <= text.size());
    out.append(text, at, edit.start - at);
    out += edit.with;
    at = edit.end;
  }
  out.append(text, at);
  return out;
}

bool one_spelling_each(std::string_view text, const std::vector<Replacement>& edits) {
  std::map<std::string, std::string_view> spellings;
  for (const auto& edit : edits) {
    const auto value = text.substr(edit.start, edit.end - edit.start);
    if (spellings.try_emplace(edit.with, value).first->second != value) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Scanner scanner;
  static const Pseudonymiser names{Secret(std::string(32, 'k'))};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const PolicyOptions policy;
  Scrubbed left;
  const auto edits = scrub(text, find(text, scanner, Policies(policy)), Policies(policy), names, left);
  check(edits.ok() && left.counts.total() == static_cast<std::int64_t>(edits->size()));
  const std::string scrubbed = apply(text, *edits);
  // A text that already names a token of this conversation would have it restored too.
  if (text.find(kTokenPrefix) != std::string_view::npos || !one_spelling_each(text, *edits)) return 0;
  StreamRestorer restorer(left.restore, RestoreMode::text);
  std::string out;
  restorer.feed(scrubbed, out);
  restorer.finish(out);
  check(out == text);
  return 0;
}
