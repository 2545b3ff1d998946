#include "gateway/pipeline/azure_language.h"

#include <algorithm>

#include "providers/json_writer.h"

namespace tollgate::pipeline {
namespace {

using providers::JsonReader;
using providers::JsonWriter;
using Kind = JsonReader::Kind;

constexpr DocumentLimits kLimits{.code_points = 5'120, .documents = 5};

void write_parameters(const config::Analyser& analyser, JsonWriter& writer) {
  writer.begin_object("parameters");
  writer.boolean("loggingOptOut", true);
  if (analyser.health) writer.string("domain", "phi");
  writer.string("stringIndexType", "UnicodeCodePoint");
  writer.begin_array("piiCategories");
  for (const auto& entity : analyser.entities) writer.string(entity.name);
  writer.end_array();
  writer.end_object();
}

AnalyserRequest request(const config::Analyser& analyser, const Documents& documents) {
  JsonWriter writer;
  writer.begin_object();
  writer.string("kind", "PiiEntityRecognition");
  write_parameters(analyser, writer);
  writer.begin_object("analysisInput");
  writer.begin_array("documents");
  for (std::size_t i = 0; i < documents.size(); ++i) {
    writer.begin_object();
    writer.string("id", std::to_string(i));
    writer.string("language", analyser.language);
    writer.string("text", documents[i]);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  writer.end_object();
  return {"/language/:analyze-text?api-version=" + analyser.api_version,
          {{"content-type", "application/json"}},
          writer.take()};
}

bool asked_for(const config::Analyser& analyser, std::string_view name) {
  return std::ranges::find(analyser.entities, name, &config::Analyser::Entity::name) != analyser.entities.end();
}

Item read_item(const config::Analyser& analyser, JsonReader& reader) {
  Item out;
  std::string type;
  std::string subcategory;
  std::optional<std::int64_t> length;
  providers::walk_object(reader, [&](std::string_view key) {
    if (key == "category")
      providers::read_text(reader, out.entity);
    else if (key == "type")
      providers::read_text(reader, type);
    else if (key == "subcategory")
      providers::read_text(reader, subcategory);
    else if (key == "offset")
      out.start = read_integer(reader);
    else if (key == "length")
      length = read_integer(reader);
    else if (key == "confidenceScore")
      out.score = read_decimal(reader);
    else
      reader.skip();
  });
  constexpr std::int64_t kFar = std::int64_t{1} << 32U;
  if (out.start && length && *out.start < kFar && *length < kFar) out.end = *out.start + *length;
  for (const std::string& finer : {type, subcategory})
    if (!out.entity.empty() && !asked_for(analyser, out.entity) && asked_for(analyser, finer)) out.entity = finer;
  return out;
}

// One document of an answer, which may say whose it is after what it holds.
struct Answered {
  std::string id;
  bool has_entities = false;
  std::vector<Item> entities;
  bool truncated = false;
};

void read_warning(JsonReader& reader, Answered& out) {
  std::string code;
  providers::walk_object(reader, [&](std::string_view key) {
    if (key == "code")
      providers::read_text(reader, code);
    else
      reader.skip();
  });
  if (code == "DocumentTruncated") out.truncated = true;
}

Answered read_document(const config::Analyser& analyser, JsonReader& reader) {
  Answered out;
  providers::walk_object(reader, [&](std::string_view key) {
    const bool list = reader.peek() == Kind::array;
    if (key == "id") {
      providers::read_text(reader, out.id);
    } else if (key == "entities" && list) {
      out.has_entities = true;
      for (reader.enter_array(); reader.next_element();) out.entities.push_back(read_item(analyser, reader));
    } else if (key == "warnings" && list) {
      for (reader.enter_array(); reader.next_element();) read_warning(reader, out);
    } else {
      reader.skip();
    }
  });
  return out;
}

struct Results {
  std::vector<Answered> documents;
  bool has_errors = false;
};

Results read_results(const config::Analyser& analyser, JsonReader& reader) {
  Results out;
  providers::walk_object(reader, [&](std::string_view key) {
    const bool list = reader.peek() == Kind::array;
    if (key == "documents" && list) {
      for (reader.enter_array(); reader.next_element();) out.documents.push_back(read_document(analyser, reader));
    } else if (key == "errors" && list) {
      for (reader.enter_array(); reader.next_element();) {
        out.has_errors = true;
        reader.skip();
      }
    } else {
      reader.skip();
    }
  });
  return out;
}

Error not_judged() {
  Error error = not_an_answer("a document was not judged");
  error.code = "document";
  return error;
}

// Each document is answered once; with one missing, what it holds is not known.
Result<DocumentFindings> findings_of(const config::Analyser& analyser, const Documents& documents,
                                     const Results& results) {
  DocumentFindings out(documents.size());
  std::vector<bool> seen(documents.size());
  for (const Answered& answered : results.documents) {
    std::size_t at = 0;
    while (at < documents.size() && std::to_string(at) != answered.id) ++at;
    if (at == documents.size() || seen[at] || !answered.has_entities) return not_an_answer("a document of nobody's");
    if (answered.truncated) return not_judged();
    seen[at] = true;
    ItemCollector collector(analyser, documents[at]);
    for (const Item& item : answered.entities) TG_CHECK(collector.add(item));
    out[at] = collector.take();
  }
  if (std::ranges::find(seen, false) != seen.end()) return not_an_answer("a document without an answer");
  return out;
}

Result<DocumentFindings> findings(const config::Analyser& analyser, const Documents& documents,
                                  std::string_view answer) {
  JsonReader reader(answer);
  if (!providers::valid_utf8(answer) || reader.peek() != Kind::object) return not_an_answer("no object");
  Results results;
  providers::walk_object(reader, [&](std::string_view key) {
    if (key == "results")
      results = read_results(analyser, reader);
    else
      reader.skip();
  });
  if (!reader.ok() || !reader.at_end()) return not_an_answer("no JSON");
  if (results.has_errors) return not_judged();
  return findings_of(analyser, documents, results);
}

}  // namespace

const AnalyserApi kAzureLanguage{
    .limits = kLimits, .request = request, .findings = findings, .refuses_credential = unauthorized};

}  // namespace tollgate::pipeline
