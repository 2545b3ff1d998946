// Texts become documents within the limits, and every byte of them that is no space lies in a document, where a finding
// leads back to it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/pipeline/analyser_documents.h"
#include "require.h"

namespace {

using namespace tollgate;

constexpr pipeline::DocumentLimits kLimits{.bytes = 3'000, .code_points = 1'200, .documents = 3};

// A byte of the input says how often the next stands there: few bytes make long texts. A line feed ends a text.
std::vector<std::string> texts_of(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i + 1 < size && out.size() < 64; i += 2) {
    const std::string_view pieces[] = {"a", " ", ". ", "é", "💚", "e\xCC\x81", "\n", "漢", "\xC2\xA0", "word "};
    if (data[i + 1] == '\n')
      out.emplace_back();
    else
      for (unsigned n = 0; n <= data[i]; ++n) out.back() += pieces[data[i + 1] % std::size(pieces)];
  }
  return out;
}

void check(const pipeline::Batch& batch, const std::vector<std::string>& texts,
           std::vector<std::vector<bool>>& covered) {
  require(!batch.documents.empty() && batch.documents.size() <= kLimits.documents);
  require(batch.parts.size() == batch.documents.size());
  for (std::size_t i = 0; i < batch.documents.size(); ++i) {
    const std::string& document = batch.documents[i];
    require(!document.empty() && document.size() <= kLimits.bytes && providers::valid_utf8(document));
    require(pii::code_points(document) <= kLimits.code_points);
    std::vector<std::vector<pii::Finding>> found(texts.size());
    pipeline::share_out(batch.parts[i], {pii::Finding{.start = 0, .end = document.size()}}, found);
    for (const pipeline::Part& part : batch.parts[i]) {
      require(texts[part.index].substr(part.from, part.length) == document.substr(part.at, part.length));
      for (std::size_t at = part.from; at < part.from + part.length; ++at) covered[part.index][at] = true;
      require(!found[part.index].empty());
      require(found[part.index].front().start <= part.from && found[part.index].back().end >= part.from + part.length);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto texts = texts_of(data, size);
  std::vector<std::size_t> indices;
  std::vector<std::vector<bool>> covered;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    indices.push_back(i);
    covered.emplace_back(texts[i].size());
  }
  for (const auto& batch : pipeline::batches(texts, indices, kLimits)) check(batch, texts, covered);
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (std::size_t at = 0; at < texts[i].size(); ++at)
      require(covered[i][at] || std::string_view(" \n\xC2\xA0").find(texts[i][at]) != std::string_view::npos ||
              texts[i][at] == '.');
  return 0;
}
