#include "gateway/pipeline/analyser_api.h"

#include <algorithm>
#include <charconv>

#include "gateway/pipeline/azure_language.h"
#include "gateway/pipeline/comprehend.h"
#include "gateway/pipeline/presidio.h"

namespace tollgate::pipeline {
namespace {

using providers::JsonReader;

std::vector<std::size_t> code_point_starts(std::string_view text) {
  std::vector<std::size_t> out;
  out.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) out.push_back(i);
  out.push_back(text.size());
  return out;
}

}  // namespace

const AnalyserApi& analyser_api(config::Analyser::Kind kind) {
  switch (kind) {
    case config::Analyser::Kind::azure_language:
      return kAzureLanguage;
    case config::Analyser::Kind::comprehend:
      return kComprehend;
    case config::Analyser::Kind::presidio:
      break;
  }
  return kPresidio;
}

Error not_an_answer(std::string what) { return {ErrorKind::upstream_error, std::move(what)}; }

Item read_item(JsonReader& reader, const ItemNames& names) {
  Item out;
  providers::walk_object(reader, [&](std::string_view key) {
    if (key == names.entity)
      providers::read_text(reader, out.entity);
    else if (key == names.start)
      out.start = read_integer(reader);
    else if (key == names.end)
      out.end = read_integer(reader);
    else if (key == names.score)
      out.score = read_decimal(reader);
    else
      reader.skip();
  });
  return out;
}

ItemCollector::ItemCollector(const config::Analyser& analyser, std::string_view document)
    : analyser_(analyser), starts_(code_point_starts(document)) {}

bool ItemCollector::inside(const Item& item) const {
  return item.start && item.end && *item.start >= 0 && *item.start < *item.end &&
         static_cast<std::size_t>(*item.end) < starts_.size();
}

Status ItemCollector::add(const Item& item) {
  if (item.entity.empty() || !item.score || !(*item.score >= 0 && *item.score <= 1))
    return not_an_answer("a finding without a type or a score");
  if (!inside(item)) return not_an_answer("a finding outside the text");
  const auto asked = std::ranges::find(analyser_.entities, item.entity, &config::Analyser::Entity::name);
  if (asked == analyser_.entities.end() || *item.score < analyser_.min_score) return {};
  out_.push_back({asked->type,
                  starts_[static_cast<std::size_t>(*item.start)],
                  starts_[static_cast<std::size_t>(*item.end)],
                  *item.score,
                  asked->custom,
                  {pii::Term::analyser}});
  return {};
}

std::optional<std::int64_t> read_integer(JsonReader& reader) {
  if (reader.peek() == JsonReader::Kind::number) return reader.integer();
  reader.skip();
  return std::nullopt;
}

std::optional<double> read_decimal(JsonReader& reader) {
  const bool number = reader.peek() == JsonReader::Kind::number;
  const std::string_view text = reader.view(reader.skip());
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (!number || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool unauthorized(int status, std::string_view) { return status == 401 || status == 403; }

}  // namespace tollgate::pipeline
