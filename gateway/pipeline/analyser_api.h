#pragma once
// What one kind of analyser is asked, and what its answer means. Pure: analyse.h does the waiting. Texts go out in
// documents, several of which may go into one request (analyser_documents.h).
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "gateway/base/result.h"
#include "gateway/net/http1.h"
#include "pii/pii.h"
#include "providers/json_reader.h"

namespace tollgate::pipeline {

// What goes into one request.
struct DocumentLimits {
  std::size_t bytes = std::size_t{64} << 10U;                         // of a document
  std::size_t code_points = std::numeric_limits<std::size_t>::max();  // of a document
  std::size_t documents = 1;
};

struct AnalyserRequest {
  std::string path;  // after the analyser's url
  std::vector<net::Header> headers;
  std::string body;
};

using Documents = std::vector<std::string>;                       // valid UTF-8, never blank
using DocumentFindings = std::vector<std::vector<pii::Finding>>;  // parallel to Documents; in bytes of each

inline constexpr std::size_t kMostOfAnswer = std::size_t{4} << 20U;  // bytes

struct AnalyserApi {
  DocumentLimits limits;
  // REQUIRES: as many documents as `limits` allow
  AnalyserRequest (*request)(const config::Analyser& analyser, const Documents& documents);
  // Of an answer with status 200, which is not to be trusted. Left out: what the analyser was not asked for, and scores
  // below its least. Error upstream_error: not such an answer, or not to these documents; with the code "document"
  // where the service says that it did not judge one of them.
  Result<DocumentFindings> (*findings)(const config::Analyser& analyser, const Documents& documents,
                                       std::string_view answer);
  // What any other status means: our credential is refused, and has to be fetched anew.
  bool (*refuses_credential)(int status, std::string_view answer);
};

const AnalyserApi& analyser_api(config::Analyser::Kind kind);

// --- what the kinds read and write alike ---

Error not_an_answer(std::string what);

// One finding as services tell it: offsets in code points, the end exclusive.
struct Item {
  std::string entity;
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> end;
  std::optional<double> score;  // 0..1
};

// What a service calls the members of a finding.
struct ItemNames {
  std::string_view entity;
  std::string_view start;
  std::string_view end;
  std::string_view score;
};
// REQUIRES: `reader` stands at an object
Item read_item(providers::JsonReader& reader, const ItemNames& names);

// Collects what was found in one document, which outlives it.
class ItemCollector {
 public:
  ItemCollector(const config::Analyser& analyser, std::string_view document);
  // Error: not_an_answer().
  Status add(const Item& item);
  std::vector<pii::Finding> take() { return std::move(out_); }

 private:
  bool inside(const Item& item) const;

  const config::Analyser& analyser_;
  std::vector<std::size_t> starts_;  // of each code point, and the text's end
  std::vector<pii::Finding> out_;
};

// A member's value; nullopt, and skipped, where it is no such number.
std::optional<std::int64_t> read_integer(providers::JsonReader& reader);
std::optional<double> read_decimal(providers::JsonReader& reader);

bool unauthorized(int status, std::string_view answer);  // 401 and 403

}  // namespace tollgate::pipeline
