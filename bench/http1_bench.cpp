// What HTTP/1.1 framing costs per call, without sockets.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/net/http1.h"

namespace tollgate::net {
namespace {

const std::string kJson =
    R"({"model":"gpt-4o","messages":[{"role":"user","content":")" + std::string(860, 'a') + "\"}]}";
const std::string kRequestHead =
    "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example.com\r\nAccept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
    "User-Agent: OpenAI/Python 1.99.1\r\nX-Stainless-Lang: python\r\n"
    "Authorization: Bearer tg_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789a\r\n";
const std::string kResponseHead =
    "HTTP/1.1 200 OK\r\nDate: Fri, 21 Nov 2025 10:00:00 GMT\r\nContent-Type: application/json\r\n"
    "openai-processing-ms: 120\r\nx-request-id: req_0123456789abcdef\r\nStrict-Transport-Security: "
    "max-age=31536000\r\n";

std::string with_length(const std::string& head) {
  return head + "Content-Length: " + std::to_string(kJson.size()) + "\r\n\r\n" + kJson;
}
std::string in_chunks(const std::string& head) {
  std::string bytes = head + "Transfer-Encoding: chunked\r\n\r\n";
  // Sixteen bytes a chunk: a provider that sends token by token.
  for (std::size_t at = 0; at + 16 <= kJson.size(); at += 16) bytes += "10\r\n" + kJson.substr(at, 16) + "\r\n";
  return bytes + "0\r\n\r\n";
}

void request(benchmark::State& state, const std::string& bytes) {
  const HttpLimits limits;
  std::string body;
  for (auto _ : state) {
    body.clear();
    const auto end = find_head(bytes, limits);
    const auto head = guard(std::string_view(bytes).substr(0, **end), limits);
    BodyReader reader(*head, limits);
    const auto took = reader.put(std::string_view(bytes).substr(**end), body);
    if (!took) state.SkipWithError("refused");
    benchmark::DoNotOptimize(body);
  }
}

void response(benchmark::State& state, const std::string& bytes) {
  std::string body;
  for (auto _ : state) {
    body.clear();
    ResponseReader reader{ResponseReader::Limits()};
    const auto took = reader.put(bytes, body);
    if (!took) state.SkipWithError("refused");
    benchmark::DoNotOptimize(reader.header("content-type"));
  }
}

BENCHMARK_CAPTURE(request, length_1k, with_length(kRequestHead));
BENCHMARK_CAPTURE(request, chunked_1k, in_chunks(kRequestHead));
BENCHMARK_CAPTURE(response, length_1k, with_length(kResponseHead));
BENCHMARK_CAPTURE(response, chunked_1k, in_chunks(kResponseHead));

}  // namespace
}  // namespace tollgate::net

BENCHMARK_MAIN();
