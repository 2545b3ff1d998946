// Whatever an analyser answers: findings that lie in the text, at the borders of characters, or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/pipeline/presidio.h"
#include "providers/json_reader.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate;
  constexpr std::string_view kText = "Anna Müller lives in Zürich 💚, 漢字 too";
  static const config::Analyser kAnalyser = [] {
    config::Analyser out;
    out.entities = {{.name = "PERSON", .custom = 1}, {.name = "EMAIL_ADDRESS", .type = pii::EntityType::email_address}};
    return out;
  }();
  const auto found = pipeline::presidio_findings(kAnalyser, kText, {reinterpret_cast<const char*>(data), size});
  if (!found) return 0;
  for (const auto& finding : *found) {
    require(finding.start < finding.end && finding.end <= kText.size());
    require(finding.score >= kAnalyser.min_score && finding.score <= 1);
    require(providers::valid_utf8(kText.substr(finding.start, finding.end - finding.start)));
  }
  return 0;
}
