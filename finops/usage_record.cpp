#include "finops/usage_record.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>

#include "finops/usage_bytes.h"
#include "finops/usage_fields.h"

namespace tollgate::finops {
namespace {

constexpr std::uint8_t kEncodingVersion = 2;

// What records of version 1 lack: upstream_request_id (its length), audio_ms and compute_us.
constexpr std::uint8_t kFirstVersion = 1;
constexpr std::array<char, 2 + 8 + 8> kSinceFirst{};

// The longest prefix of at most kMaxStringBytes that does not end inside a UTF-8 sequence. Bytes that are not UTF-8
// are cut anywhere.
std::string_view bounded(std::string_view text) {
  if (text.size() <= kMaxStringBytes) return text;
  constexpr std::size_t kLongestTail = 3;  // continuation bytes of one character
  for (std::size_t back = 0; back <= kLongestTail; ++back) {
    const auto next = static_cast<std::uint8_t>(text[kMaxStringBytes - back]);
    if ((next & 0xC0U) != 0x80U) return text.substr(0, kMaxStringBytes - back);
  }
  return text.substr(0, kMaxStringBytes);
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <std::integral T>
  void operator()(const char* /*name*/, T value) {
    number(value);
  }
  void operator()(const char* /*name*/, bool value) { number(static_cast<std::uint8_t>(value ? 1 : 0)); }
  void operator()(const char* /*name*/, UsageSource value) { number(static_cast<std::uint8_t>(value)); }
  void operator()(const char* /*name*/, const Uuid& id) {
    out_.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  }
  void operator()(const char* /*name*/, const std::string& text) {
    const auto kept = bounded(text);
    number(static_cast<std::uint16_t>(kept.size()));
    out_.append(kept);
  }

 private:
  template <std::integral T>
  void number(T value) {
    static_assert(std::endian::native == std::endian::little);
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof bytes);
    out_.append(bytes, sizeof bytes);
  }

  std::string& out_;
};

class Filler {
 public:
  explicit Filler(FieldReader& bytes) : bytes_(bytes) {}

  template <std::integral T>
  void operator()(const char* /*name*/, T& value) {
    value = bytes_.number<T>();
  }
  void operator()(const char* /*name*/, bool& value) { value = bytes_.flag(); }
  void operator()(const char* /*name*/, UsageSource& value) { value = bytes_.source(); }
  void operator()(const char* /*name*/, Uuid& id) {
    const auto bytes = bytes_.id();
    if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  }
  void operator()(const char* /*name*/, std::string& text) { text = bytes_.text(); }

 private:
  FieldReader& bytes_;
};

// The field only says which type comes next.
class Skipper {
 public:
  explicit Skipper(FieldReader& bytes) : bytes_(bytes) {}

  template <std::integral T>
  void operator()(const char* /*name*/, const T& /*field*/) {
    bytes_.number<T>();
  }
  void operator()(const char* /*name*/, const bool& /*field*/) { bytes_.flag(); }
  void operator()(const char* /*name*/, const UsageSource& /*field*/) { bytes_.source(); }
  void operator()(const char* /*name*/, const Uuid& /*field*/) { bytes_.id(); }
  void operator()(const char* /*name*/, const std::string& /*field*/) { bytes_.text(); }

 private:
  FieldReader& bytes_;
};

}  // namespace

std::string_view to_string(UsageSource source) {
  switch (source) {
    case UsageSource::none:
      return "none";
    case UsageSource::provider_final:
      return "provider_final";
    case UsageSource::estimated:
      return "estimated";
  }
  return "none";
}

std::optional<UsageSource> parse_usage_source(std::string_view text) {
  for (const auto source : {UsageSource::none, UsageSource::provider_final, UsageSource::estimated})
    if (text == to_string(source)) return source;
  return std::nullopt;
}

std::string column_names() {
  std::string names;
  const UsageRecord any;
  for_each_field(any, [&names](const char* name, const auto& /*field*/) {
    if (!names.empty()) names += ", ";
    names += name;
  });
  return names;
}

void encode(const UsageRecord& record, std::string& out) {
  out.push_back(static_cast<char>(kEncodingVersion));
  out.push_back(static_cast<char>(record.kind));
  for_each_field(record, Writer(out));
}

Result<RecordKind> read_envelope(FieldReader& reader) {
  const auto version = reader.number<std::uint8_t>();
  if (version != kEncodingVersion && version != kFirstVersion)
    return Error{ErrorKind::internal, "usage record: unknown encoding version"};
  if (version == kFirstVersion) reader.followed_by({kSinceFirst.data(), kSinceFirst.size()});
  const auto kind = reader.number<std::uint8_t>();
  if (kind != static_cast<std::uint8_t>(RecordKind::intent) && kind != static_cast<std::uint8_t>(RecordKind::final))
    return Error{ErrorKind::internal, "usage record: unknown kind"};
  return static_cast<RecordKind>(kind);
}

Result<UsageRecord> decode(std::string_view bytes) {
  FieldReader reader(bytes);
  UsageRecord record;
  TG_TRY(record.kind, read_envelope(reader));
  for_each_field(record, Filler(reader));
  if (!reader.finished()) return Error{ErrorKind::internal, "usage record: malformed"};
  return record;
}

bool well_formed(std::string_view bytes) {
  static const UsageRecord kAny;
  FieldReader reader(bytes);
  if (!read_envelope(reader)) return false;
  for_each_field(kAny, Skipper(reader));
  return reader.finished();
}

Result<RecordId> decode_id(std::string_view bytes) {
  FieldReader reader(bytes);
  RecordId id;
  TG_TRY(id.kind, read_envelope(reader));
  Filler filler(reader);
  filler("event_id", id.event_id);
  if (!reader.ok()) return Error{ErrorKind::internal, "usage record: malformed"};
  return id;
}

}  // namespace tollgate::finops
