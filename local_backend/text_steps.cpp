#include "local_backend/text_steps.h"

#include <algorithm>

namespace tollgate::local_backend {
namespace {

// A composed character has at least a third of the bytes of its parts (a Hangul syllable: 3 of 9).
constexpr std::size_t kNfcShrink = 4;

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  std::string out;
  std::size_t start = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, start)) {
    out.append(text, start, at - start).append(to);
    start = at + from.size();
  }
  return out.append(text, start);
}

std::string squeezed(const std::string& text, const std::string& mark) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out.push_back(c);
  }
  std::string_view kept = out;
  while (kept.ends_with(' ') || kept.ends_with(mark)) kept.remove_suffix(kept.ends_with(' ') ? 1 : mark.size());
  out.resize(kept.size());
  return out;
}

}  // namespace

std::string TextSteps::apply(std::string text, bool first) const {
  for (const TextStep& step : steps_) {
    switch (step.kind) {
      case TextStep::Kind::replace:
        text = replaced(text, step.from, step.to);
        break;
      case TextStep::Kind::prepend: {
        const bool there = !step.from.empty() && text.starts_with(step.from);
        if (!text.empty() && !there && (first || !step.only_first)) text.insert(0, step.to);
        break;
      }
      case TextStep::Kind::squeeze:
        text = squeezed(text, step.to);
        break;
      case TextStep::Kind::nfc:
        text = nfc(text);
        break;
    }
  }
  return text;
}

std::size_t TextSteps::shrink() const {
  std::size_t out = 1;
  for (const TextStep& step : steps_) {
    if (step.kind == TextStep::Kind::squeeze) return 0;
    if (step.kind == TextStep::Kind::nfc) out *= kNfcShrink;
    if (step.kind != TextStep::Kind::replace) continue;
    if (step.to.empty()) return 0;
    out *= (step.from.size() + step.to.size() - 1) / step.to.size();
  }
  return out;
}

}  // namespace tollgate::local_backend
