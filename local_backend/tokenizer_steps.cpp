// The parts of tokenizer.json that change and cut text: normalizer, pre-tokenizer, decoder.
#include <stdexcept>

#include "local_backend/tokenizer_reading.h"

namespace tollgate::local_backend::tokenizer_reading {

void Section::refuse(const std::string& why) const { throw std::runtime_error(what_ + ": " + why); }

const Json& Section::member(const std::string& key, Json::Kind kind) const {
  const Json* found = json_.find(key);
  if (found == nullptr || !found->is(kind)) refuse(key + " is missing or of the wrong type");
  return *found;
}

bool Section::flag(const std::string& key, bool fallback) const {
  const Json* value = json_.find_set(key);
  if (value == nullptr) return fallback;
  if (!value->is(Json::Kind::boolean)) refuse(key + " must be true or false");
  return value->boolean;
}

std::string Section::text(const std::string& key, const std::string& fallback) const {
  const Json* value = json_.find_set(key);
  if (value == nullptr) return fallback;
  if (!value->is(Json::Kind::string)) refuse(key + " must be a string");
  return value->string;
}

void Section::require_flag(const std::string& key, bool wanted) const {
  if (flag(key, wanted) != wanted) refuse(key + " must be " + (wanted ? "true" : "false"));
}

namespace {

// The parts of a Sequence, or the one part itself.
std::vector<Section> parts_of(const Section& section, const std::string& list) {
  if (section.type() != "Sequence") return {section};
  std::vector<Section> out;
  for (const Json& part : section.member(list, Json::Kind::array).items) out.push_back(section.item(part));
  return out;
}

std::string literal_pattern(const Section& step, const std::string& whose) {
  const Section pattern = step.section("pattern");
  if (pattern.json().find_set("String") == nullptr) step.refuse(whose + " with a Regex is not supported");
  const std::string& text = pattern.member("String", Json::Kind::string).string;
  if (text.empty()) step.refuse(whose + " has an empty pattern");
  return text;
}

TextStep normalizer_step(const Section& step) {
  const std::string type = step.type();
  TextStep out;
  if (type == "NFC") {
    out.kind = TextStep::Kind::nfc;
    if (!has_nfc()) step.refuse("normalizer \"NFC\" needs utf8proc, which this build has not");
  } else if (type == "Prepend") {
    out.kind = TextStep::Kind::prepend;
    out.to = step.member("prepend", Json::Kind::string).string;
  } else if (type == "Replace") {
    out.kind = TextStep::Kind::replace;
    out.from = literal_pattern(step, "Replace");
    out.to = step.member("content", Json::Kind::string).string;
  } else {
    step.refuse("normalizer \"" + type + "\" is not supported");
  }
  return out;
}

std::unique_ptr<Pretokenizer> pattern_splitter(const Section& step, const std::string& pattern) {
  try {
    return make_pretokenizer(pattern);
  } catch (const std::runtime_error& error) {
    step.refuse(error.what());
  }
}

// What the pre-tokenizers of a file add up to.
struct Cutting {
  std::vector<TextStep> steps;
  std::vector<std::unique_ptr<Pretokenizer>> splitters;
  bool by_bytes = false;
};

void add_split(const Section& step, Cutting& out) {
  if (step.text("behavior", "") != "Isolated") step.refuse("Split must be Isolated");
  step.require_flag("invert", false);
  const Section pattern = step.section("pattern");
  out.splitters.push_back(pattern_splitter(step, pattern.member("Regex", Json::Kind::string).string));
}

void add_byte_level(const Section& step, Cutting& out) {
  out.by_bytes = true;
  if (step.flag("add_prefix_space", false)) {
    if (!out.splitters.empty()) step.refuse("add_prefix_space after another pre-tokenizer is not supported");
    out.steps.push_back({TextStep::Kind::prepend, " ", " ", false});
  }
  if (step.flag("use_regex", true)) out.splitters.push_back(pattern_splitter(step, std::string(kGpt2Pattern)));
}

// Older files say add_prefix_space where newer ones have a scheme.
std::string prepend_scheme(const Section& step) {
  const std::string scheme = step.text("prepend_scheme", step.flag("add_prefix_space", true) ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    step.refuse("prepend_scheme \"" + scheme + "\" is not supported");
  }
  return scheme;
}

void add_metaspace(const Section& step, Cutting& out) {
  const std::string mark(kSpaceMark);
  if (step.text("replacement", mark) != mark) step.refuse("a replacement other than U+2581 is not supported");
  const std::string scheme = prepend_scheme(step);
  out.steps.push_back({TextStep::Kind::replace, " ", mark, false});
  if (scheme != "never") out.steps.push_back({TextStep::Kind::prepend, mark, mark, scheme == "first"});
  if (step.flag("split", true)) out.splitters.push_back(make_mark_pretokenizer(mark));
}

Cutting read_cutting(const Section& root) {
  Cutting out;
  if (root.json().find_set("pre_tokenizer") == nullptr) return out;
  for (const Section& step : parts_of(root.section("pre_tokenizer"), "pretokenizers")) {
    const std::string type = step.type();
    if (out.by_bytes) step.refuse("pre_tokenizer \"" + type + "\" after ByteLevel is not supported");
    if (type == "Split") {
      add_split(step, out);
    } else if (type == "ByteLevel") {
      add_byte_level(step, out);
    } else if (type == "Metaspace" && out.splitters.empty()) {
      add_metaspace(step, out);
    } else {
      step.refuse("pre_tokenizer \"" + type + "\" is not supported here");
    }
  }
  return out;
}

}  // namespace

void read_text_steps(const Section& root, TokenizerParts& parts, bool& by_bytes) {
  std::vector<TextStep> steps;
  if (root.json().find_set("normalizer") != nullptr) {
    for (const Section& step : parts_of(root.section("normalizer"), "normalizers")) {
      steps.push_back(normalizer_step(step));
    }
  }
  parts.normalizer = TextSteps(std::move(steps));
  Cutting cutting = read_cutting(root);
  parts.word_steps = TextSteps(std::move(cutting.steps));
  if (cutting.splitters.size() == 1) {
    parts.splitter = std::move(cutting.splitters.front());
  } else if (!cutting.splitters.empty()) {
    parts.splitter = chain(std::move(cutting.splitters));
  }
  by_bytes = cutting.by_bytes;
}

void read_decoder(const Section& root, bool by_bytes, TokenizerParts& parts) {
  bool bytes = false;
  for (const Section& step : parts_of(root.section("decoder"), "decoders")) {
    const std::string type = step.type();
    if (type == "ByteLevel") {
      bytes = true;
    } else if (type == "Metaspace") {
      parts.strips_first_space = prepend_scheme(step) != "never";
    } else if (type == "Strip") {
      const bool one_space = step.text("content", "") == " " &&
                             step.member("start", Json::Kind::integer).integer == 1 &&
                             step.member("stop", Json::Kind::integer).integer == 0;
      if (!one_space) step.refuse("a Strip other than of one space at the start is not supported");
      parts.strips_first_space = true;
    } else if (type == "Replace") {
      const bool marks = literal_pattern(step, "Replace") == kSpaceMark && step.text("content", "") == " ";
      if (!marks) step.refuse("a Replace other than of U+2581 by a space is not supported in the decoder");
    } else if (type != "ByteFallback" && type != "Fuse") {
      step.refuse("decoder \"" + type + "\" is not supported");
    }
  }
  if (bytes != by_bytes) root.refuse("the pre_tokenizer and the decoder must both be ByteLevel, or neither");
}

}  // namespace tollgate::local_backend::tokenizer_reading
