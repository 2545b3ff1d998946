// Whatever an analyser of any kind answers: findings that lie in the texts, at the borders of characters, or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/pipeline/analyser_api.h"
#include "providers/json_reader.h"
#include "require.h"

namespace {

using namespace tollgate;

const pipeline::Documents kDocuments = {"Anna Müller lives in Zürich 💚, 漢字 too",
                                        "Zoe\xCC\x88 and 👩‍🚀 and Jürgen Groß"};

config::Analyser analyser_of(config::Analyser::Kind kind) {
  config::Analyser out;
  out.kind = kind;
  out.entities = {{.name = "PERSON", .as = "PERSON", .custom = 1},
                  {.name = "Person", .as = "Person", .custom = 1},
                  {.name = "NAME", .as = "NAME", .custom = 1},
                  {.name = "EMAIL", .as = "EMAIL", .type = pii::EntityType::email_address}};
  return out;
}

void check(config::Analyser::Kind kind, std::string_view answer) {
  const config::Analyser analyser = analyser_of(kind);
  const pipeline::AnalyserApi& api = pipeline::analyser_api(kind);
  const pipeline::Documents documents(
      kDocuments.begin(),
      kDocuments.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(kDocuments.size(), api.limits.documents)));
  (void)api.refuses_credential(400, answer);
  const auto found = api.findings(analyser, documents, answer);
  if (!found) return;
  require(found->size() == documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) {
    for (const auto& finding : (*found)[i]) {
      require(finding.start < finding.end && finding.end <= documents[i].size());
      require(finding.score >= analyser.min_score && finding.score <= 1);
      const std::string_view text = documents[i];
      require(providers::valid_utf8(text.substr(finding.start, finding.end - finding.start)));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Kind = config::Analyser::Kind;
  for (const Kind kind : {Kind::presidio, Kind::azure_language, Kind::comprehend})
    check(kind, {reinterpret_cast<const char*>(data), size});
  return 0;
}
