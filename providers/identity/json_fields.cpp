#include "providers/identity/json_fields.h"

#include <charconv>
#include <utility>

#include "providers/identity/credential.h"
#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxValues = 128;
constexpr unsigned kMaxDepth = 4;

Error refused(std::string_view why) { return no_credential("not a JSON object: " + std::string(why)); }

}  // namespace

class JsonFields::Builder {
 public:
  explicit Builder(std::string_view text) : reader_(text) {}

  Result<JsonFields> build() {
    if (reader_.peek() != JsonReader::Kind::object) return refused("no object");
    take_object("", 1);
    if (!fault_.empty()) return refused(fault_);
    if (!reader_.ok()) return refused(reader_.fault());
    if (!reader_.at_end()) return refused("bytes after its end");
    return std::move(out_);
  }

 private:
  // The recursion is bounded by kMaxDepth.
  void take_object(const std::string& prefix, unsigned depth) {  // NOLINT(misc-no-recursion)
    if (depth > kMaxDepth) return fail("too deep");
    reader_.enter_object();
    while (fault_.empty() && reader_.next_member()) {
      std::string name = prefix + std::string(reader_.key());
      if (reader_.peek() == JsonReader::Kind::object) {
        take_object(name + ".", depth + 1);
      } else {
        take_value(std::move(name));
      }
    }
  }

  void take_value(std::string name) {
    const auto kind = reader_.peek();
    Value value;
    value.is_string = kind == JsonReader::Kind::string;
    if (value.is_string) {
      value.text = Secret(reader_.decode(reader_.string()));
    } else {
      const Span raw = reader_.skip();
      if (kind == JsonReader::Kind::number) value.text = Secret(std::string(reader_.view(raw)));
    }
    if (!reader_.ok()) return;
    if (out_.values_.size() == kMaxValues) return fail("too many members");
    if (!out_.values_.try_emplace(std::move(name), std::move(value)).second) fail("a member occurs twice");
  }

  void fail(std::string_view what) {
    if (fault_.empty()) fault_ = what;
  }

  JsonReader reader_;
  JsonFields out_;
  std::string_view fault_;
};

Result<JsonFields> JsonFields::parse(std::string_view text) {
  if (text.size() > kMaxBytes) return refused("too long");
  if (!valid_utf8(text)) return refused("no UTF-8");
  Builder builder(text);
  return builder.build();
}

std::string_view JsonFields::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() && found->second.is_string ? found->second.text.reveal() : std::string_view();
}

std::optional<std::int64_t> JsonFields::integer(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  const std::string_view digits = found->second.text.reveal();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::map<std::string, std::string_view> JsonFields::under(std::string_view name) const {
  const std::string prefix = std::string(name) + ".";
  std::map<std::string, std::string_view> out;
  for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix); ++at)
    if (at->second.is_string) out.emplace(at->first.substr(prefix.size()), at->second.text.reveal());
  return out;
}

}  // namespace tollgate::providers
