#include "gateway/pipeline/comprehend.h"

#include "providers/aws_fault.h"
#include "providers/json_writer.h"

namespace tollgate::pipeline {
namespace {

using providers::JsonReader;
using Kind = JsonReader::Kind;

// Below 100 KB, whether those are of 1,000 bytes or of 1,024.
constexpr DocumentLimits kLimits{.bytes = 99'000};

AnalyserRequest request(const config::Analyser& analyser, const Documents& documents) {
  providers::JsonWriter writer;
  writer.begin_object();
  writer.string("LanguageCode", analyser.language);
  writer.string("Text", documents.front());
  writer.end_object();
  return {"/",
          {{"content-type", "application/x-amz-json-1.1"}, {"x-amz-target", "Comprehend_20171127.DetectPiiEntities"}},
          writer.take()};
}

constexpr ItemNames kNames{"Type", "BeginOffset", "EndOffset", "Score"};

Result<DocumentFindings> findings(const config::Analyser& analyser, const Documents& documents,
                                  std::string_view answer) {
  ItemCollector collector(analyser, documents.front());
  JsonReader reader(answer);
  if (!providers::valid_utf8(answer) || reader.peek() != Kind::object) return not_an_answer("no object");
  bool listed = false;
  for (reader.enter_object(); reader.next_member();) {
    if (reader.key() != "Entities" || reader.peek() != Kind::array) {
      reader.skip();
      continue;
    }
    listed = true;
    for (reader.enter_array(); reader.next_element();) {
      const Item item = read_item(reader, kNames);
      if (reader.ok()) TG_CHECK(collector.add(item));
    }
  }
  if (!reader.ok() || !reader.at_end() || !listed) return not_an_answer("no list of entities");
  return DocumentFindings{collector.take()};
}

// Services of this protocol answer 400 to whatever the caller did wrong, and say in the body what it was.
bool refuses_credential(int status, std::string_view answer) {
  std::string fault;
  JsonReader reader(answer);
  providers::walk_object(reader, [&](std::string_view key) {
    if (key == "__type")
      providers::read_text(reader, fault);
    else
      reader.skip();
  });
  return unauthorized(providers::aws_fault_status(fault, status), answer);
}

}  // namespace

const AnalyserApi kComprehend{
    .limits = kLimits, .request = request, .findings = findings, .refuses_credential = refuses_credential};

}  // namespace tollgate::pipeline
