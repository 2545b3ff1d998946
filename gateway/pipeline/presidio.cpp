#include "gateway/pipeline/presidio.h"

#include "providers/json_writer.h"

namespace tollgate::pipeline {
namespace {

using providers::JsonReader;
using Kind = JsonReader::Kind;

AnalyserRequest request(const config::Analyser& analyser, const Documents& documents) {
  providers::JsonWriter writer;
  writer.begin_object();
  writer.string("text", documents.front());
  writer.string("language", analyser.language);
  writer.begin_array("entities");
  for (const auto& entity : analyser.entities) writer.string(entity.name);
  writer.end_array();
  writer.end_object();
  return {"/analyze", {{"content-type", "application/json"}}, writer.take()};
}

constexpr ItemNames kNames{"entity_type", "start", "end", "score"};

Result<DocumentFindings> findings(const config::Analyser& analyser, const Documents& documents,
                                  std::string_view answer) {
  ItemCollector collector(analyser, documents.front());
  JsonReader reader(answer);
  if (!providers::valid_utf8(answer) || reader.peek() != Kind::array) return not_an_answer("no list of findings");
  for (reader.enter_array(); reader.next_element();) {
    const Item item = read_item(reader, kNames);
    if (!reader.ok()) break;
    TG_CHECK(collector.add(item));
  }
  if (!reader.ok() || !reader.at_end()) return not_an_answer("no JSON");
  return DocumentFindings{collector.take()};
}

}  // namespace

const AnalyserApi kPresidio{.limits = {}, .request = request, .findings = findings, .refuses_credential = unauthorized};

}  // namespace tollgate::pipeline
