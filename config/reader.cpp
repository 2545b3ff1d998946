#include "config/reader.h"

#include <arpa/inet.h>

#include <algorithm>
#include <limits>

#include "config/scalars.h"
#include "gateway/base/money.h"

namespace tollgate::config {
namespace {

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool is_name(std::string_view text, std::size_t most, std::string_view extra) {
  return !text.empty() && text.size() <= most && is_alnum(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_alnum(c) || extra.find(c) != extra.npos; });
}

bool accepts_identifier(std::string_view text) { return is_name(text, 64, "._-"); }
bool accepts_model(std::string_view text) { return is_name(text, 128, "._:/@+-"); }
bool accepts_line(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}
bool accepts_ip(std::string_view text) {
  const std::string address(text);
  in6_addr parsed{};
  return inet_pton(AF_INET, address.c_str(), &parsed) == 1 || inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}
bool accepts_url(std::string_view text) {
  return accepts_line(text) && text.find("://") != text.npos && text.find(' ') == text.npos;
}
bool accepts_date(std::string_view text) { return parse_date(text).has_value(); }

Shape text_shape(const TextRule& rule, std::string fallback = {}) {
  Shape shape;
  shape.kind = Shape::Kind::text;
  shape.pattern = rule.pattern;
  shape.fallback = std::move(fallback);
  return shape;
}

Shape word_shape(std::span<const std::string_view> allowed, std::string fallback = {}) {
  Shape shape;
  shape.kind = Shape::Kind::text;
  for (const std::string_view choice : allowed) shape.choices.emplace_back(choice);
  shape.fallback = std::move(fallback);
  return shape;
}

Shape integer_shape(Range<std::int64_t> range, std::string fallback) {
  Shape shape;
  shape.kind = Shape::Kind::integer;
  shape.minimum = range.least;
  if (range.most != std::numeric_limits<std::int64_t>::max()) shape.maximum = range.most;
  shape.fallback = std::move(fallback);
  return shape;
}

Shape sequence_shape(Shape item) {
  Shape shape;
  shape.kind = Shape::Kind::sequence;
  shape.inner.push_back(std::move(item));
  return shape;
}

constexpr std::string_view kDurationPattern = "^[0-9]+(ms|s|m|h|d)$";
constexpr std::string_view kSizePattern = "^[0-9]+(B|KiB|MiB|GiB)$";
constexpr std::string_view kMoneyPattern = "^[0-9]+(\\.[0-9]{1,9})? USD$";
constexpr TextRule kAnyDuration{"a duration with a unit", kDurationPattern, accepts_line};
constexpr TextRule kAnySize{"a size with a unit", kSizePattern, accepts_line};
constexpr TextRule kAnyMoney{"an amount", kMoneyPattern, accepts_line};

std::string joined(std::span<const std::string_view> words) {
  std::string all;
  for (const std::string_view word : words) all += (all.empty() ? "" : ", ") + std::string(word);
  return all;
}

// Why an unquoted scalar is not safely text; empty when it is.
std::string unquoted_trouble(std::string_view text) {
  const std::string shown = "'" + printable(text) + "' ";
  if (looks_octal(text)) return shown + "looks like an octal number: put it in quotes";
  if (looks_like_old_boolean(text)) return shown + "reads as a boolean in YAML 1.1: put it in quotes";
  if (looks_like_number(text)) return shown + "reads as a number: put it in quotes";
  return {};
}

}  // namespace

const TextRule kIdentifier{"a name of at most 64 letters, digits, '.', '_' and '-'",
                           "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", accepts_identifier};
const TextRule kProviderOrAll{"a provider id or \"*\"", "^(\\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$",
                              [](std::string_view text) { return text == "*" || accepts_identifier(text); }};
const TextRule kModelName{"a model name of at most 128 letters, digits and . _ : / @ + -",
                          "^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$", accepts_model};
const TextRule kLine{"one line of at most 256 bytes", "^[^\\u0000-\\u001f\\u007f]{1,256}$", accepts_line};
const TextRule kIpAddress{"an IP address such as 127.0.0.1", "^[0-9a-fA-F.:]+$", accepts_ip};
const TextRule kUrl{"a URL such as https://host/v1", "^[a-z0-9+]+://[^ ]+$", accepts_url};
const TextRule kDate{"a date such as 2026-01-01", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", accepts_date};

Object::Object(Session& session, const Source& source, const Node& node, std::string path)
    : session_(&session), source_(&source), node_(&node), path_(std::move(path)) {}

void Object::describe(std::string_view name, Shape shape, const About& about) {
  shape.description = about.doc;
  shape.applies = about.applies;
  shape.leaf_mark = shape.kind != Shape::Kind::mapping || shape.exactly_one;
  if (about.required) {
    shape.fallback.clear();
    shape_->required.emplace_back(name);
  }
  shape_->properties.push_back({std::string(name), std::move(shape)});
}

const Member* Object::lookup(std::string_view name, const About& about) {
  known_.push_back(name);
  const Member* member = node_->find(name);
  if (member == nullptr) {
    if (about.required) complain(*node_, path_of(name), "is required");
    return nullptr;
  }
  if (member->value.kind == Node::Kind::null) {
    complain(member->value, path_of(name), "is empty: give a value or leave the key out");
    return nullptr;
  }
  return member;
}

std::string Object::path_of(std::string_view name) const {
  if (name.empty()) return path_;
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

Where Object::at(const Node& node, std::string path) const { return {source_->name, node.line, std::move(path)}; }

void Object::complain(const Node& node, std::string path, std::string message) {
  session_->problem(at(node, std::move(path)), std::move(message));
}

bool Object::has(std::string_view name) const { return node_ != nullptr && node_->find(name) != nullptr; }

Where Object::where(std::string_view name) const {
  if (node_ == nullptr) return {};
  const Member* member = node_->find(name);
  return at(member == nullptr ? *node_ : member->value, path_of(name));
}

void Object::problem(std::string_view name, std::string message) {
  if (session_ != nullptr) session_->problem(where(name), std::move(message));
}

std::optional<std::string> Object::plain_text(const Node& node, const std::string& path, const TextRule& rule) {
  const auto expected = [&] { complain(node, path, "expected " + std::string(rule.expected)); };
  if (node.kind != Node::Kind::scalar) return expected(), std::nullopt;
  if (!node.quoted) {
    std::string trouble = unquoted_trouble(node.text);
    if (!trouble.empty()) return complain(node, path, std::move(trouble)), std::nullopt;
  }
  if (!rule.accepts(node.text)) return expected(), std::nullopt;
  return node.text;
}

void Object::text(std::string_view name, std::string& out, const TextRule& rule, const About& about) {
  const Member* member = take(name, about, [&] { return text_shape(rule, out); });
  if (member == nullptr) return;
  if (auto value = plain_text(member->value, path_of(name), rule)) out = std::move(*value);
}

std::vector<std::string> Object::text_items(const Node& node, const std::string& path, const TextRule& rule,
                                            std::optional<Reference::To> to) {
  std::vector<std::string> found;
  if (node.kind != Node::Kind::sequence) return complain(node, path, "expected a list"), found;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    std::string item_path = path + "[" + std::to_string(i) + "]";
    auto value = plain_text(node.items[i], item_path, rule);
    if (!value) continue;
    if (to) session_->references.push_back({*to, *value, at(node.items[i], std::move(item_path))});
    found.push_back(std::move(*value));
  }
  return found;
}

void Object::texts(std::string_view name, std::vector<std::string>& out, const TextRule& rule, const About& about) {
  const Member* member = take(name, about, [&] { return sequence_shape(text_shape(rule)); });
  if (member != nullptr) out = text_items(member->value, path_of(name), rule, std::nullopt);
}

void Object::references(std::string_view name, std::vector<std::string>& out, Reference::To to, const TextRule& rule,
                        const About& about) {
  const Member* member = take(name, about, [&] { return sequence_shape(text_shape(rule)); });
  if (member != nullptr) out = text_items(member->value, path_of(name), rule, to);
}

void Object::named_references(std::string_view name, Reference::To to, const TextRule& rule, const About& about,
                              const NamedTexts& body) {
  const Member* member = take(name, about, [&] {
    Shape shape;
    shape.inner.push_back(sequence_shape(text_shape(rule)));
    return shape;
  });
  if (member == nullptr) return;
  if (member->value.kind != Node::Kind::mapping)
    return complain(member->value, path_of(name), "expected a mapping of names");
  for (const Member& entry : member->value.members) {
    const std::string path = path_of(name) + "." + printable(entry.key);
    if (kIdentifier.accepts(entry.key)) {
      body(entry.key, at(entry.value, path), text_items(entry.value, path, rule, to));
    } else {
      complain(entry.value, path, "expected " + std::string(kIdentifier.expected));
    }
  }
}

void Object::boolean(std::string_view name, bool& out, const About& about) {
  const Member* member = take(name, about, [&] {
    Shape shape;
    shape.kind = Shape::Kind::boolean;
    shape.fallback = out ? "true" : "false";
    return shape;
  });
  if (member == nullptr) return;
  const Node& node = member->value;
  const bool plain = node.kind == Node::Kind::scalar && !node.quoted;
  if (plain && (node.text == "true" || node.text == "false")) {
    out = node.text == "true";
  } else if (plain && looks_like_old_boolean(node.text)) {
    complain(node, path_of(name), "expected true or false ('" + node.text + "' is not a boolean everywhere)");
  } else {
    complain(node, path_of(name), "expected true or false");
  }
}

std::optional<std::int64_t> Object::whole_number(const Node& node, const std::string& path, Range<std::int64_t> range) {
  if (node.kind == Node::Kind::scalar && !node.quoted) {
    if (looks_octal(node.text)) {
      complain(node, path, "'" + printable(node.text) + "' looks like an octal number: leave the zero out");
      return std::nullopt;
    }
    if (const auto value = parse_integer(node.text); value && *value >= range.least && *value <= range.most) {
      return value;
    }
  }
  if (node.kind == Node::Kind::scalar && node.quoted && parse_integer(node.text)) {
    complain(node, path, "is text: write the number without quotes");
    return std::nullopt;
  }
  std::string expected = "expected a whole number of at least " + std::to_string(range.least);
  if (range.most != std::numeric_limits<std::int64_t>::max()) {
    expected = "expected a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most);
    if (range.least == range.most) expected = "expected " + std::to_string(range.least);
  }
  complain(node, path, std::move(expected));
  return std::nullopt;
}

void Object::integer(std::string_view name, std::int64_t& out, Range<std::int64_t> range, const About& about) {
  const Member* member = take(name, about, [&] { return integer_shape(range, std::to_string(out)); });
  if (member == nullptr) return;
  if (const auto value = whole_number(member->value, path_of(name), range)) out = *value;
}

void Object::integer(std::string_view name, std::optional<std::int64_t>& out, Range<std::int64_t> range,
                     const About& about) {
  const Member* member = take(name, about, [&] { return integer_shape(range, ""); });
  if (member == nullptr) return;
  if (const auto value = whole_number(member->value, path_of(name), range)) out = value;
}

void Object::decimal(std::string_view name, double& out, Range<std::int64_t> range, const About& about) {
  const Member* member = take(name, about, [&] {
    Shape shape = integer_shape(range, std::to_string(out));
    shape.kind = Shape::Kind::number;
    return shape;
  });
  if (member == nullptr) return;
  const Node& node = member->value;
  const auto value = node.kind == Node::Kind::scalar && !node.quoted ? parse_decimal(node.text) : std::nullopt;
  if (value && *value >= static_cast<double>(range.least) && *value <= static_cast<double>(range.most)) {
    out = *value;
    return;
  }
  complain(
      node, path_of(name),
      "expected a number from " + std::to_string(range.least) + " to " + std::to_string(range.most) + " such as 0.5");
}

void Object::duration(std::string_view name, std::chrono::milliseconds& out, Range<std::chrono::milliseconds> range,
                      const About& about) {
  const Member* member = take(name, about, [&] { return text_shape(kAnyDuration, format_duration(out)); });
  if (member == nullptr) return;
  const Node& node = member->value;
  const auto value = node.kind == Node::Kind::scalar ? parse_duration(node.text) : std::nullopt;
  if (!value) return complain(node, path_of(name), "expected a duration with a unit, such as 500ms, 30s, 5m, 2h or 7d");
  if (*value < range.least || *value > range.most) {
    return complain(node, path_of(name),
                    "expected a duration from " + format_duration(range.least) + " to " + format_duration(range.most));
  }
  out = *value;
}

void Object::size(std::string_view name, std::uint64_t& out, Range<std::uint64_t> range, const About& about) {
  const Member* member = take(name, about, [&] { return text_shape(kAnySize, format_size(out)); });
  if (member == nullptr) return;
  const Node& node = member->value;
  const auto value = node.kind == Node::Kind::scalar ? parse_size(node.text) : std::nullopt;
  if (!value) return complain(node, path_of(name), "expected a size with a unit, such as 512B, 16KiB, 4MiB or 1GiB");
  if (*value < range.least || *value > range.most) {
    return complain(node, path_of(name),
                    "expected a size from " + format_size(range.least) + " to " + format_size(range.most));
  }
  out = *value;
}

void Object::price(std::string_view name, std::int64_t& out, const About& about) {
  const Member* member = take(name, about, [&] { return text_shape(kAnyMoney); });
  if (member == nullptr) return;
  const Node& node = member->value;
  const auto value = node.kind == Node::Kind::scalar ? parse_money(node.text) : std::nullopt;
  if (!value || value->currency != "USD") {
    return complain(node, path_of(name), "expected an amount per million tokens such as 2.50 USD");
  }
  out = value->nano;
}

void Object::date(std::string_view name, std::int64_t& out, const About& about) {
  std::string day;
  text(name, day, kDate, about);
  if (const auto seconds = parse_date(day)) out = *seconds;
}

void Object::reference(std::string_view name, std::string& out, Reference::To to, const TextRule& rule,
                       const About& about) {
  text(name, out, rule, about);
  if (session_ != nullptr && !out.empty()) session_->references.push_back({to, out, where(name)});
}

std::size_t Object::word_of(const Node& node, const std::string& path, std::span<const std::string_view> allowed) {
  if (node.kind == Node::Kind::scalar) {
    const auto found = std::find(allowed.begin(), allowed.end(), node.text);
    if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
  }
  std::string expected = (allowed.size() == 1 ? "expected " : "expected one of ") + joined(allowed);
  if (node.kind == Node::Kind::scalar && allowed.size() > 1) expected += did_you_mean(node.text, allowed);
  complain(node, path, std::move(expected));
  return allowed.size();
}

void Object::word(std::string_view name, std::size_t& at, std::span<const std::string_view> allowed,
                  const About& about) {
  const Member* member =
      take(name, about, [&] { return word_shape(allowed, at < allowed.size() ? std::string(allowed[at]) : ""); });
  if (member == nullptr) return;
  const std::size_t found = word_of(member->value, path_of(name), allowed);
  if (found < allowed.size()) at = found;
}

void Object::word_or_object(std::string_view name, std::size_t& at, std::span<const std::string_view> allowed,
                            const About& about, const Body& body, std::string_view definition) {
  const Member* member = take(name, about, [&] {
    Shape fields;
    Object inner(fields);
    body(inner);
    Shape either;
    either.kind = Shape::Kind::any_of;
    fields.definition = definition;
    either.inner = {word_shape(allowed), std::move(fields)};
    return either;
  });
  if (member == nullptr) return;
  if (member->value.kind == Node::Kind::mapping)
    return read_mapping(*session_, *source_, member->value, path_of(name), body);
  at = word_of(member->value, path_of(name), allowed);
}

std::vector<std::size_t> Object::words(std::string_view name, std::span<const std::string_view> allowed,
                                       const About& about) {
  std::vector<std::size_t> found;
  const Member* member = take(name, about, [&] { return sequence_shape(word_shape(allowed)); });
  if (member == nullptr) return found;
  if (member->value.kind != Node::Kind::sequence)
    return complain(member->value, path_of(name), "expected a list"), found;
  for (std::size_t i = 0; i < member->value.items.size(); ++i) {
    const std::size_t at = word_of(member->value.items[i], path_of(name) + "[" + std::to_string(i) + "]", allowed);
    if (at < allowed.size()) found.push_back(at);
  }
  return found;
}

}  // namespace tollgate::config
