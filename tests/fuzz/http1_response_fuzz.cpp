// A response from a provider or from somebody in between. The same promises as for requests.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/net/http1.h"
#include "tests/fuzz/require.h"
#include "tests/unit/net/beast_oracle.h"

using namespace tollgate;

namespace {

struct Answer {
  bool refused = false;
  bool done = false;
  bool keep_alive = false;
  int status = 0;
  std::string body;
  std::string trailer;
  friend bool operator==(const Answer&, const Answer&) = default;
};

Answer read(std::string_view bytes, std::size_t step) {
  net::ResponseReader reader{net::ResponseReader::Limits()};
  Answer answer;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, step);
    const auto took = reader.put(piece, answer.body);
    answer.refused = !took;
    if (answer.refused) return answer;
    require(reader.done() || *took == piece.size(), "what is not the end is taken");
    bytes.remove_prefix(piece.size());
  }
  answer.refused = !reader.put_eof();
  if (answer.refused) return answer;
  answer.done = reader.done();
  answer.keep_alive = reader.keep_alive();
  answer.status = reader.status();
  answer.trailer = reader.trailer("x-tollgate-compute-us");
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Answer whole = read(bytes, bytes.size());
  require(whole == read(bytes, 1), "an answer is the same wherever it is cut");
  if (whole.refused) return 0;
  require(whole.done && whole.status >= 200 && whole.status <= 599, "an answer that is not refused is whole");
  const auto theirs = net::oracle::read_response(bytes, true);
  if (!theirs) return 0;
  require(theirs->status == whole.status, "the status is read alike");
  require(theirs->body == whole.body, "the body is read alike");
  return 0;
}
