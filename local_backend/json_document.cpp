#include "local_backend/json_document.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_set>

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxDepth = 64;

class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Json root;
  std::string error;

  bool null() override { return put(Json{}); }
  bool boolean(bool value) override {
    Json j;
    j.kind = Json::Kind::boolean;
    j.boolean = value;
    return put(std::move(j));
  }
  bool number_integer(number_integer_t value) override { return put_integer(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return fail("an integer is too large");
    }
    return put_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    Json j;
    j.kind = Json::Kind::number;
    j.number = value;
    return put(std::move(j));
  }
  bool string(string_t& value) override {
    Json j;
    j.kind = Json::Kind::string;
    j.string = std::move(value);
    return put(std::move(j));
  }
  bool binary(binary_t&) override { return fail("binary data"); }
  bool start_object(std::size_t) override { return open(Json::Kind::object); }
  bool start_array(std::size_t) override { return open(Json::Kind::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    if (!open_.back().keys.insert(value).second) return fail("the key \"" + value + "\" appears twice");
    open_.back().key = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail("no valid JSON at byte " + std::to_string(position));
  }

 private:
  struct Frame {
    Json value;
    std::string key;
    std::unordered_set<std::string> keys;
  };
  std::vector<Frame> open_;

  bool fail(std::string what) {
    if (error.empty()) error = std::move(what);
    return false;
  }
  bool put_integer(std::int64_t value) {
    Json j;
    j.kind = Json::Kind::integer;
    j.integer = value;
    j.number = static_cast<double>(value);
    return put(std::move(j));
  }
  bool open(Json::Kind kind) {
    if (open_.size() >= kMaxDepth) return fail("nested too deeply");
    open_.emplace_back();
    open_.back().value.kind = kind;
    return true;
  }
  bool close() {
    Json done = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(done));
  }
  bool put(Json value) {
    if (open_.empty()) {
      root = std::move(value);
    } else if (Frame& top = open_.back(); top.value.kind == Json::Kind::object) {
      top.value.keys.push_back(std::move(top.key));
      top.value.items.push_back(std::move(value));
    } else {
      top.value.items.push_back(std::move(value));
    }
    return true;
  }
};

}  // namespace

const Json* Json::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

const Json* Json::find_set(std::string_view key) const {
  const Json* member = find(key);
  return member != nullptr && member->kind != Kind::null ? member : nullptr;
}

std::string json_text(const Json& value) {
  const bool list = value.is(Json::Kind::array);
  if (value.is(Json::Kind::null)) return "null";
  if (value.is(Json::Kind::boolean)) return value.boolean ? "true" : "false";
  if (value.is(Json::Kind::integer)) return std::to_string(value.integer);
  if (value.is(Json::Kind::number)) return nlohmann::json(value.number).dump();
  if (value.is(Json::Kind::string)) return nlohmann::json(value.string).dump();
  std::string out = list ? "[" : "{";
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ',';
    if (!list) out += nlohmann::json(value.keys[i]).dump() + ':';
    out += json_text(value.items[i]);
  }
  return out += list ? ']' : '}';
}

Json parse_json(std::string_view text, const std::string& what) {
  Builder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    throw std::runtime_error(what + ": " + builder.error);
  }
  return std::move(builder.root);
}

std::string read_file(const std::string& path, std::size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(path + ": cannot be opened");
  std::string text;
  char buffer[65536];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (text.size() > limit) throw std::runtime_error(path + ": larger than " + std::to_string(limit) + " bytes");
  }
  if (in.bad()) throw std::runtime_error(path + ": cannot be read");
  return text;
}

Json read_json_file(const std::string& path, std::size_t limit) { return parse_json(read_file(path, limit), path); }

bool file_exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

}  // namespace tollgate::local_backend
