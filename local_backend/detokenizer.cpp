#include "local_backend/detokenizer.h"

#include <algorithm>

#include "local_backend/unicode.h"

namespace tollgate::local_backend {

void Utf8Stream::feed(std::string_view bytes, std::string& out) {
  pending_.append(bytes);
  std::size_t at = 0;
  while (at < pending_.size()) {
    const Decoded d = decode_utf8(pending_, at);
    if (d.incomplete) break;
    out.append(d.valid ? std::string_view(pending_).substr(at, d.length) : std::string_view("\xEF\xBF\xBD"));
    at += d.length;
  }
  pending_.erase(0, at);
}

void Utf8Stream::finish(std::string& out) {
  out.append(to_valid_utf8(pending_));
  pending_.clear();
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& s) { return s.empty(); });
}

bool StopMatcher::feed(std::string_view text, std::string& out) {
  held_.append(text);
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  // Where a stop string may have begun: nothing from there on is certain, a match further on included.
  std::size_t open = held_.size();
  for (const std::string& stop : stops_) {
    const std::size_t longest = std::min(stop.size() - 1, held_.size());
    for (std::size_t n = longest; n > held_.size() - open; --n) {
      if (held_.ends_with(std::string_view(stop).substr(0, n))) open = held_.size() - n;
    }
  }
  if (first != std::string::npos && first <= open) {
    out.append(held_, 0, first);
    held_.clear();
    return true;
  }
  out.append(held_, 0, open);
  held_.erase(0, open);
  return false;
}

bool StopMatcher::finish(std::string& out) {
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  out.append(held_, 0, first);
  held_.clear();
  return first != std::string::npos;
}

}  // namespace tollgate::local_backend
