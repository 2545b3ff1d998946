// One main document in memory, through parsing, reading and assembling. Offline, so that no file is touched.
#include <cstdint>
#include <cstdlib>

#include "config/assemble.h"
#include "config/document.h"
#include "config/format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Session session;
  session.offline = true;
  const auto root = parse_yaml(text, "fuzz.yaml", session.problems);
  if (!root) {
    if (session.problems.empty()) std::abort();  // a refusal has a reason
    return 0;
  }
  const Source source{"fuzz.yaml", "/nonexistent"};
  Draft draft;
  read_mapping(session, source, *root, "", [&](Object& o) { main_fields(o, draft); });
  const auto snapshot = assemble(std::move(draft), session, source.directory, nullptr);
  for (const Problem& problem : session.problems) {
    if (problem.message.empty() || problem.line < 0) std::abort();
  }
  // What was accepted says the same when it is read again.
  if (session.problems.empty() && !semantic_diff(*snapshot, *snapshot).empty()) std::abort();
  return 0;
}
