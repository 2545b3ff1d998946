#include "gateway/pipeline/presidio.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "providers/json_reader.h"
#include "providers/json_writer.h"

namespace tollgate::pipeline {
namespace {

using providers::JsonReader;
using Kind = JsonReader::Kind;

Error not_an_answer(std::string what) { return {ErrorKind::upstream_error, std::move(what)}; }

// Where each code point begins, and where the text ends.
std::vector<std::size_t> code_point_starts(std::string_view text) {
  std::vector<std::size_t> out;
  out.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) out.push_back(i);
  out.push_back(text.size());
  return out;
}

// One element of the answer, as it came.
struct Item {
  std::string entity;
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> end;
  std::optional<double> score;
};

std::optional<double> decimal(std::string_view text) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Item read_item(JsonReader& reader) {
  Item out;
  for (reader.enter_object(); reader.next_member();) {
    const std::string_view key = reader.key();
    const Kind kind = reader.peek();
    if (key == "entity_type" && kind == Kind::string)
      out.entity = reader.decode(reader.string());
    else if (key == "start" && kind == Kind::number)
      out.start = reader.integer();
    else if (key == "end" && kind == Kind::number)
      out.end = reader.integer();
    else if (key == "score" && kind == Kind::number)
      out.score = decimal(reader.view(reader.skip()));
    else
      reader.skip();
  }
  return out;
}

bool inside(const Item& item, std::size_t code_points) {
  return item.start && item.end && *item.start >= 0 && *item.start < *item.end &&
         static_cast<std::size_t>(*item.end) <= code_points;
}

}  // namespace

std::string presidio_request(const config::Analyser& analyser, std::string_view text) {
  providers::JsonWriter writer;
  writer.begin_object();
  writer.string("text", text);
  writer.string("language", analyser.language);
  writer.begin_array("entities");
  for (const auto& entity : analyser.entities) writer.string(entity.name);
  writer.end_array();
  writer.end_object();
  return writer.take();
}

Result<std::vector<pii::Finding>> presidio_findings(const config::Analyser& analyser, std::string_view text,
                                                    std::string_view answer) {
  const auto starts = code_point_starts(text);
  std::vector<pii::Finding> out;
  JsonReader reader(answer);
  if (!providers::valid_utf8(answer) || reader.peek() != Kind::array) return not_an_answer("no list of findings");
  for (reader.enter_array(); reader.next_element();) {
    if (reader.peek() != Kind::object) return not_an_answer("a finding is no object");
    const Item item = read_item(reader);
    if (!reader.ok()) break;
    if (item.entity.empty() || !item.score || !(*item.score >= 0 && *item.score <= 1))
      return not_an_answer("a finding without a type or a score");
    if (!inside(item, starts.size() - 1)) return not_an_answer("a finding outside the text");
    const auto asked = std::ranges::find(analyser.entities, item.entity, &config::Analyser::Entity::name);
    if (asked == analyser.entities.end() || *item.score < analyser.min_score) continue;
    out.push_back({asked->type,
                   starts[static_cast<std::size_t>(*item.start)],
                   starts[static_cast<std::size_t>(*item.end)],
                   *item.score,
                   asked->custom,
                   {pii::Term::analyser}});
  }
  if (!reader.ok() || !reader.at_end()) return not_an_answer("no JSON");
  return out;
}

}  // namespace tollgate::pipeline
