#pragma once
// Private to providers/identity: the answers of token endpoints and the credential files of clouds, which are small
// objects of strings and integers.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::providers {

// The members of one JSON object. Members of objects inside it have dotted names ("credential_source.file"); arrays and
// nulls are checked and left out. Refused: anything but one object, more than 256 KiB, more than 128 values, objects
// inside objects deeper than 4, a name that occurs twice.
class JsonFields {
 public:
  static constexpr std::size_t kMaxBytes = 256 * 1024;

  // Errors: upstream_error "not a JSON object: ..."; nothing of the content is quoted.
  static Result<JsonFields> parse(std::string_view text);

  // Empty when absent, or no string.
  std::string_view text(std::string_view name) const;
  // An integer, or a string of digits as Azure writes them.
  std::optional<std::int64_t> integer(std::string_view name) const;
  // All string members below "name.", by the rest of their names.
  std::map<std::string, std::string_view> under(std::string_view name) const;

 private:
  struct Value {
    Secret text;
    bool is_string = false;
  };
  class Builder;
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace tollgate::providers
