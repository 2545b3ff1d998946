#include <algorithm>

#include "gateway/net/http1.h"

namespace tollgate::net {

Status check_length(const HeadFacts& head, const HttpLimits& limits) {
  if (head.content_length.value_or(0) <= limits.max_body_bytes) return {};
  return Error{ErrorKind::payload_too_large,
               "The request body is larger than the limit of " + std::to_string(limits.max_body_bytes) + " bytes."};
}

BodyReader::BodyReader(const HeadFacts& head, const HttpLimits& limits)
    : length_(check_length(head, limits)), left_(head.content_length.value_or(0)) {
  if (head.chunked) chunks_.emplace(limits.max_body_bytes);
}

Result<std::size_t> BodyReader::put(std::string_view bytes, std::string& out) {
  TG_CHECK(length_);
  if (chunks_) return chunks_->put(bytes, out);
  const auto part = bytes.substr(0, left_);
  out.append(part);
  left_ -= part.size();
  return part.size();
}

}  // namespace tollgate::net
