#include "gateway/pipeline/analyser_documents.h"

#include <algorithm>
#include <tuple>

namespace tollgate::pipeline {
namespace {

constexpr std::string_view kBetween = "\n\n";  // a new paragraph: no sentence goes on in the next text
constexpr std::size_t kShared = 200;           // bytes of two pieces of a text: longer than a name with its titles

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

// Spaces as Unicode has them (White_Space), the controls of ASCII, and what is not seen at all.
std::size_t space_length(std::string_view text) {
  if (static_cast<unsigned char>(text[0]) <= 0x20) return 1;
  for (const std::string_view space : {"\xC2\x85", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                       "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF"})
    if (text.starts_with(space)) return space.size();
  const bool general = text.starts_with("\xE2\x80") && text.size() > 2;  // U+2000 to U+200B
  return general && static_cast<unsigned char>(text[2]) <= 0x8B ? 3 : 0;
}

bool blank(std::string_view text) {
  while (!text.empty()) {
    const std::size_t space = space_length(text);
    if (space == 0) return false;
    text.remove_prefix(space);
  }
  return true;
}

struct Stretch {
  std::size_t from;
  std::size_t length;
};

// The end of what fits, from `from` on.
std::size_t reach(std::string_view text, std::size_t from, const DocumentLimits& limits) {
  std::size_t characters = 0;
  std::size_t end = from;
  for (std::size_t i = from; i < text.size() && i - from < limits.bytes; ++i) {
    if (!begins_character(text[i])) continue;
    end = i;
    if (++characters > limits.code_points) return i;
  }
  return text.size() - from <= limits.bytes ? text.size() : end;
}

// Where to cut between `least` and `most`, after the best border there is.
std::size_t cut_at(std::string_view text, std::size_t least, std::size_t most) {
  const std::string_view window = text.substr(least, most - least);
  for (const std::string_view border : {"\n\n", "\n", ". ", "? ", "! ", "\xE3\x80\x82", " "})
    if (const auto found = window.rfind(border); found != std::string_view::npos) return least + found + border.size();
  return most;
}

// The next piece begins a little earlier, after a space where there is one.
std::size_t overlapping(std::string_view text, std::size_t cut) {
  std::size_t from = cut - kShared;
  while (!begins_character(text[from])) ++from;
  const auto space = text.substr(from, kShared / 2).find(' ');
  return space == std::string_view::npos ? from : from + space + 1;
}

std::vector<Stretch> pieces(std::string_view text, const DocumentLimits& limits) {
  std::vector<Stretch> out;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t most = reach(text, from, limits);
    const std::size_t end = most == text.size() ? most : cut_at(text, from + (most - from) / 2, most);
    if (!blank(text.substr(from, end - from))) out.push_back({from, end - from});
    from = end == text.size() ? end : overlapping(text, end);
  }
  return out;
}

class Packer {
 public:
  explicit Packer(const DocumentLimits& limits) : limits_(limits) {}

  void add(std::string_view piece, Part part) {
    const std::size_t characters = pii::code_points(piece);
    if (!fits(piece.size(), characters)) open_document();
    Documents& documents = out_.back().documents;
    if (!documents.back().empty()) {
      documents.back() += kBetween;
      characters_ += kBetween.size();
    }
    part.at = documents.back().size();
    out_.back().parts.back().push_back(part);
    documents.back() += piece;
    characters_ += characters;
  }
  std::vector<Batch> take() { return std::move(out_); }

 private:
  bool fits(std::size_t bytes, std::size_t characters) const {
    return !out_.empty() && out_.back().documents.back().size() + kBetween.size() + bytes <= limits_.bytes &&
           characters_ + kBetween.size() + characters <= limits_.code_points;
  }
  void open_document() {
    if (out_.empty() || out_.back().documents.size() == limits_.documents) out_.emplace_back();
    out_.back().documents.emplace_back();
    out_.back().parts.emplace_back();
    characters_ = 0;
  }

  const DocumentLimits& limits_;
  std::vector<Batch> out_;
  std::size_t characters_ = 0;  // of the document that is open
};

}  // namespace

std::vector<Batch> batches(const std::vector<std::string>& texts, const std::vector<std::size_t>& indices,
                           const DocumentLimits& limits) {
  Packer packer(limits);
  for (const std::size_t index : indices) {
    const std::string_view text = texts[index];
    const auto stretches = pieces(text, limits);
    for (const Stretch& stretch : stretches)
      packer.add(text.substr(stretch.from, stretch.length),
                 {index, stretch.from, 0, stretch.length, &stretch == &stretches.back()});
  }
  return packer.take();
}

void share_out(const std::vector<Part>& parts, const std::vector<pii::Finding>& in_document,
               std::vector<std::vector<pii::Finding>>& found) {
  for (const Part& part : parts) {
    for (pii::Finding finding : in_document) {
      if (finding.end <= part.at || finding.start >= part.at + part.length) continue;
      finding.start = std::max(finding.start, part.at) - part.at + part.from;
      finding.end = std::min(finding.end, part.at + part.length) - part.at + part.from;
      found[part.index].push_back(finding);
    }
  }
}

std::vector<pii::Finding> united(std::vector<pii::Finding> findings) {
  const auto order = [](const pii::Finding& f) { return std::tuple(f.type, f.custom, f.start); };
  std::ranges::sort(findings, {}, order);
  std::vector<pii::Finding> out;
  for (const pii::Finding& finding : findings) {
    const bool goes_on = !out.empty() && out.back().type == finding.type && out.back().custom == finding.custom &&
                         finding.start < out.back().end;
    if (!goes_on) {
      out.push_back(finding);
      continue;
    }
    out.back().end = std::max(out.back().end, finding.end);
    out.back().score = std::max(out.back().score, finding.score);
  }
  return out;
}

}  // namespace tollgate::pipeline
