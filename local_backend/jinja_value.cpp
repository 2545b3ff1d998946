#include <algorithm>

#include "local_backend/jinja.h"
#include "local_backend/jinja_text.h"

namespace tollgate::local_backend {
namespace {

constexpr int kMaxCompareDepth = 32;

// Python's repr, which is what printing a list or map shows.
std::string repr(const JinjaValue& value, int depth) {
  if (depth > kMaxCompareDepth) return "...";
  std::string out;
  if (value.is(JinjaValue::Kind::list)) {
    for (const JinjaValue& item : value.list()) out += (out.empty() ? "" : ", ") + repr(item, depth + 1);
    return "[" + out + "]";
  }
  if (value.is(JinjaValue::Kind::map)) {
    for (const auto& [key, item] : value.map()) {
      out += (out.empty() ? "'" : ", '") + key + "': " + repr(item, depth + 1);
    }
    return "{" + out + "}";
  }
  return value.is(JinjaValue::Kind::string) ? "'" + value.string() + "'" : value.text();
}

}  // namespace

JinjaValue JinjaValue::none() {
  JinjaValue v;
  v.kind_ = Kind::none;
  return v;
}

JinjaValue JinjaValue::of(bool value) {
  JinjaValue v;
  v.kind_ = Kind::boolean;
  v.integer_ = value ? 1 : 0;
  return v;
}

JinjaValue JinjaValue::of(std::int64_t value) {
  JinjaValue v;
  v.kind_ = Kind::integer;
  v.integer_ = value;
  return v;
}

JinjaValue JinjaValue::of(std::string value) {
  JinjaValue v;
  v.kind_ = Kind::string;
  v.string_ = std::move(value);
  return v;
}

JinjaValue JinjaValue::of(List value) {
  JinjaValue v;
  v.kind_ = Kind::list;
  v.list_ = std::make_shared<const List>(std::move(value));
  return v;
}

JinjaValue JinjaValue::of(double value) {
  JinjaValue v;
  v.kind_ = Kind::number;
  v.number_ = value;
  return v;
}

JinjaValue JinjaValue::of(Map value) {
  JinjaValue v;
  v.kind_ = Kind::map;
  v.map_ = std::make_shared<Map>(std::move(value));
  return v;
}

JinjaValue JinjaValue::space(Map value) {
  JinjaValue v = of(std::move(value));
  v.kind_ = Kind::space;
  return v;
}

void JinjaValue::set_member(const std::string& key, JinjaValue value) {
  const auto found = std::find_if(map_->begin(), map_->end(), [&](const auto& entry) { return entry.first == key; });
  if (found != map_->end()) {
    found->second = std::move(value);
  } else {
    map_->emplace_back(key, std::move(value));
  }
}

bool JinjaValue::truthy() const {
  switch (kind_) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return integer_ != 0;
    case Kind::number:
      return number_ != 0;
    case Kind::string:
      return !string_.empty();
    case Kind::list:
      return !list_->empty();
    case Kind::map:
      return !map_->empty();
    case Kind::space:
      return true;
  }
  return false;
}

const JinjaValue* JinjaValue::member(std::string_view key) const {
  if (kind_ != Kind::map && kind_ != Kind::space) return nullptr;
  const auto found = std::find_if(map_->begin(), map_->end(), [&](const auto& entry) { return entry.first == key; });
  return found == map_->end() ? nullptr : &found->second;
}

std::string JinjaValue::text() const {
  switch (kind_) {
    case Kind::undefined:
      return {};
    case Kind::none:
      return "None";
    case Kind::boolean:
      return integer_ != 0 ? "True" : "False";
    case Kind::integer:
      return std::to_string(integer_);
    case Kind::number:
      return jinja::float_text(number_);
    case Kind::string:
      return string_;
    case Kind::list:
    case Kind::map:
      return repr(*this, 0);
    case Kind::space:
      return "<Namespace>";
  }
  return {};
}

bool JinjaValue::equals(const JinjaValue& other, int depth) const {
  if (is(Kind::number) ? other.is_numeric() : is_numeric() && other.is(Kind::number)) return number() == other.number();
  if (is_numeric() && other.is_numeric()) return integer_ == other.integer_;
  if (kind_ != other.kind_ || depth > kMaxCompareDepth) return false;
  if (kind_ == Kind::string) return string_ == other.string_;
  if (kind_ == Kind::list) {
    return std::equal(list_->begin(), list_->end(), other.list_->begin(), other.list_->end(),
                      [depth](const JinjaValue& a, const JinjaValue& b) { return a.equals(b, depth + 1); });
  }
  if (kind_ == Kind::map) {
    return map_->size() == other.map_->size() && std::all_of(map_->begin(), map_->end(), [&](const auto& entry) {
             const JinjaValue* theirs = other.member(entry.first);
             return theirs != nullptr && entry.second.equals(*theirs, depth + 1);
           });
  }
  return kind_ != Kind::space || map_ == other.map_;
}

}  // namespace tollgate::local_backend
