#pragma once
// From a stream of bytes to text that may be shown: no character cut in two, no stop string let through.
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::local_backend {

// Holds back at most three bytes of an unfinished character; invalid sequences become U+FFFD.
class Utf8Stream {
 public:
  void feed(std::string_view bytes, std::string& out);
  // The stream ended: an unfinished character is invalid.
  void finish(std::string& out);

 private:
  std::string pending_;
};

// Cuts the text at the earliest stop string. Holds back the longest suffix that a stop string could begin with; the
// output is the same however the text is cut into pieces.
class StopMatcher {
 public:
  explicit StopMatcher(std::vector<std::string> stops);  // empty ones are ignored
  // Appends what is certain; true when a stop string was found (nothing more is to be fed).
  bool feed(std::string_view text, std::string& out);
  // The text ended. True when what was held back contains a stop string after all.
  bool finish(std::string& out);

 private:
  std::vector<std::string> stops_;
  std::string held_;
};

}  // namespace tollgate::local_backend
