// Embeddings: what a caller may ask, and how many calls of a provider that takes.
#include "providers/embedding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/gemini_call.h"
#include "tests/unit/providers/scripted_exchange.h"

namespace tollgate::providers {
namespace {

Result<Call> decode(const std::string& body, std::string path_model = {}) {
  return decode_embeddings_request(std::make_shared<const std::string>(body), std::move(path_model));
}

Error refusal(const std::string& body) {
  const auto call = decode(body);
  EXPECT_FALSE(call) << body;
  return call ? Error{} : call.error();
}

std::vector<std::string> texts(const Call& call) {
  std::vector<std::string> out;
  for (const TextField& text : call.index.texts) out.push_back(call.body->substr(text.span.offset, text.span.length));
  return out;
}

TEST(EmbeddingsRequest, EveryTextIsIndexed) {
  const auto call = decode(R"({"input":["a\u00e9","b"],"user":"jane","model":"e","encoding_format":"base64"})");
  ASSERT_TRUE(call);
  EXPECT_EQ(texts(*call), (std::vector<std::string>{"a\\u00e9", "b", "jane"}));
  EXPECT_EQ(call->api, Api::embeddings);
  EXPECT_EQ(call->model, "e");
  EXPECT_TRUE(call->index.base64);
  EXPECT_FALSE(call->index.stream);
  EXPECT_EQ(call->index.max_tokens, 0) << "nothing is generated, so nothing is reserved for it";
  EXPECT_FALSE(call->index.opaque_parts);
}

TEST(EmbeddingsRequest, TokensAreWhatNoScannerReads) {
  for (const char* input : {"[1,2]", "[[1,2],[3]]"}) {
    const auto call = decode(R"({"model":"e","input":)" + std::string(input) + "}");
    ASSERT_TRUE(call) << input;
    EXPECT_TRUE(call->index.opaque_parts);
  }
}

TEST(EmbeddingsRequest, ThePathMayNameTheModel) {
  const auto call = decode(R"({"input":"a"})", "ours");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->model, "ours");
}

TEST(EmbeddingsRequest, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(refusal(R"({"model":"e"})").param, "input");
  EXPECT_EQ(refusal(R"({"input":"a"})").param, "model");
  EXPECT_EQ(refusal(R"({"model":"e","input":[]})").code, "empty_array");
  EXPECT_EQ(refusal(R"({"model":"e","input":""})").param, "input");
  EXPECT_EQ(refusal(R"({"model":"e","input":["a",""]})").param, "input[1]");
  EXPECT_EQ(refusal(R"({"model":"e","input":["a",null]})").code, "invalid_type");
  EXPECT_EQ(refusal(R"({"model":"e","input":{"a":1}})").code, "invalid_type");
  EXPECT_EQ(refusal(R"({"model":"e","input":"a","encoding_format":"hex"})").param, "encoding_format");
  EXPECT_EQ(refusal(R"({"model":"e","input":"a","dimensions":0})").param, "dimensions");
  EXPECT_EQ(refusal(R"({"model":"e","input":"a","input":"b"})").code, "duplicate_key");
  EXPECT_EQ(refusal(R"({"model":"e","input":"a"} x)").code, "invalid_json");
  EXPECT_EQ(refusal("[1]").code, "invalid_type");
}

TEST(EmbeddingsRequest, AnInputTypeIsOneWordAndNoPlaceForText) {
  EXPECT_TRUE(read_embeddings(R"({"input":"a","input_type":"search_query"})"));
  EXPECT_FALSE(read_embeddings(R"({"input":"a","input_type":"jane@example.com"})"));
}

// --- as Google's callers ask ---

TEST(GoogleEmbeddings, TextsAreIndexedAndSettingsRead) {
  const std::string body =
      R"({"requests":[{"content":{"parts":[{"text":"a\u00e9"},{"text":"b"}]},"taskType":"RETRIEVAL_QUERY"},)"
      R"({"content":{"parts":[{"text":"c"}]},"embed_content_config":{"task_type":"RETRIEVAL_QUERY","title":"t"}}]})";
  const auto call = decode_gemini_embed_batch_call(std::make_shared<const std::string>(body), "m");
  ASSERT_TRUE(call);
  EXPECT_EQ(texts(*call), (std::vector<std::string>{"a\\u00e9", "b", "c", "t"}));
  const auto asked = read_gemini_embed(body);
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->inputs, (std::vector<std::string>{"a\u00e9\nb", "c"}));
  EXPECT_EQ(asked->input_type, "query");
  EXPECT_EQ(asked->lossy, std::vector<std::string>{"title"});
}

TEST(GoogleEmbeddings, RefuseWhatOneCallCannotAsk) {
  const auto refused = [](const std::string& requests) {
    const auto asked = read_gemini_embed(R"({"requests":[)" + requests + "]}");
    return asked ? std::string() : asked.error().param;
  };
  EXPECT_EQ(refused(R"({"content":{"parts":[{"text":"a"}]},"outputDimensionality":3},)"
                    R"({"content":{"parts":[{"text":"b"}]},"outputDimensionality":4})"),
            "outputDimensionality");
  EXPECT_EQ(refused(R"({"content":{"parts":[{"inlineData":{"data":"AA"}}]}})"), "content");
  EXPECT_EQ(refused(R"({"content":{"parts":[{"text":""}]}})"), "requests");
  EXPECT_EQ(refused(R"({"content":{"parts":[{"text":"a"}]},"taskType":"jane@example.com"})"), "taskType");
}

TEST(GoogleEmbeddings, AreAskedOfOpenAisApiInItsOwnOrder) {
  const auto call = kOpenAiEmbeddings.encode({{"a", "b"}, 3, "query"}, {"m", "h", "2024-10-21", true});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->path, "/deployments/m/embeddings?api-version=2024-10-21");
  EXPECT_EQ(call->body, R"({"model":"m","input":["a","b"],"encoding_format":"float","dimensions":3})");
  EXPECT_EQ(call->lossy, std::vector<std::string>{"input_type"});
  const auto answer = kOpenAiEmbeddings.decode(
      R"({"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":7}})", {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->vectors, (std::vector<std::vector<float>>{{1}, {2}}));
  EXPECT_EQ(answer->tokens, 7);
  EXPECT_FALSE(kOpenAiEmbeddings.decode(R"({"data":[{"index":1,"embedding":[2]}]})", {})) << "one is missing";
}

// --- many calls for one ---

std::shared_ptr<const Call> call_of(std::size_t inputs, std::size_t bytes) {
  std::string body = R"({"model":"e","input":[)";
  for (std::size_t i = 0; i < inputs; ++i) body += (i == 0 ? "\"" : ",\"") + std::string(bytes, 'x') + '"';
  auto call = decode(body + "]}");
  EXPECT_TRUE(call);
  return std::make_shared<const Call>(std::move(*call));
}

// Answers every call with as many vectors as it asked for, numbered throughout.
class CountingExchange final : public HttpExchange {
 public:
  CountingExchange(std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      body_ += (i == 0 ? "" : ",") + std::string(R"({"embeddings":{"values":[)") + std::to_string(first + i) +
               R"(],"statistics":{"token_count":2}}})";
    body_ = R"({"predictions":[)" + body_ + "]}";
  }
  net::Task<Status> start() override { co_return Status(); }
  int status() const override { return 200; }
  std::string_view header(std::string_view) const override { return {}; }
  net::Task<Result<bool>> read_some(std::string& out) override {
    out += body_;
    co_return !std::exchange(body_, {}).empty();
  }
  void cancel() override {}
  bool dispatched() const override { return true; }

 private:
  std::string body_;
};

class CountingTransport final : public Transport {
 public:
  std::unique_ptr<HttpExchange> open(HttpCall call) override {
    std::size_t count = 0;
    for (auto at = call.body.find("content"); at != std::string::npos; at = call.body.find("content", at + 1)) ++count;
    calls.push_back(count);
    auto exchange = std::make_unique<CountingExchange>(answered_, count);
    answered_ += count;
    return exchange;
  }
  std::vector<std::size_t> calls;  // inputs of each

 private:
  std::size_t answered_ = 0;
};

testing::Received ask(Transport& transport, const std::string& model, std::shared_ptr<const Call> call) {
  ProviderOptions options;
  options.kind = "vertex";
  options.endpoint = std::make_shared<const Endpoint>();
  AttemptRequest request;
  request.call = std::move(call);
  request.upstream_model = model;
  const auto events = http_upstream(options, no_authorizer(), transport)->start(std::move(request));
  return testing::receive(*events);
}

void expect_in_order(const testing::Received& received, std::size_t inputs) {
  ASSERT_FALSE(received.error);
  ASSERT_EQ(received.batches.size(), 1u);
  const auto& events = received.batches[0].events;
  ASSERT_EQ(events.size(), inputs + 2) << "and usage, and the end";
  for (std::uint32_t i = 0; i < inputs; ++i) {
    EXPECT_EQ(events[i].choice, i);
    EXPECT_EQ(events[i].text, embedding_event(i, {static_cast<float>(i)}).text);
  }
  EXPECT_EQ(events[inputs].usage.input, static_cast<std::int64_t>(2 * inputs));
}

// Calls that are under way together. None is answered before `wanted` of them are.
struct Crowd {
  std::size_t wanted = 0;
  std::size_t refused = 0;  // which of them gets a 429 at once; counted from 1
  std::size_t opened = 0;
  std::size_t open = 0;
  std::size_t most = 0;
  std::size_t cancelled = 0;
};

class CrowdedExchange final : public HttpExchange {
 public:
  CrowdedExchange(Crowd& crowd, std::size_t number) : crowd_(crowd), number_(number), answer_(number - 1, 1) {}
  net::Task<Status> start() override {
    crowd_.most = std::max(crowd_.most, ++crowd_.open);
    const net::Executor executor = co_await net::asio::this_coro::executor;
    net::Timer tick(executor);
    while (status() == 200 && crowd_.most < crowd_.wanted && !cancelled_) {
      tick.expires_after(std::chrono::milliseconds(1));
      co_await tick.async_wait(net::use_task);
    }
    if (cancelled_) co_return Error{ErrorKind::cancelled, "cancelled"};
    co_return Status();
  }
  int status() const override { return number_ == crowd_.refused ? 429 : 200; }
  std::string_view header(std::string_view) const override { return {}; }
  net::Task<Result<bool>> read_some(std::string& out) override {
    auto more = co_await answer_.read_some(out);
    if (more && !*more) --crowd_.open;
    co_return more;
  }
  void cancel() override {
    if (!std::exchange(cancelled_, true)) ++crowd_.cancelled;
  }
  bool dispatched() const override { return true; }

 private:
  Crowd& crowd_;
  std::size_t number_;
  CountingExchange answer_;
  bool cancelled_ = false;
};

class CrowdedTransport final : public Transport {
 public:
  explicit CrowdedTransport(Crowd& crowd) : crowd_(crowd) {}
  std::unique_ptr<HttpExchange> open(HttpCall) override {
    return std::make_unique<CrowdedExchange>(crowd_, ++crowd_.opened);
  }

 private:
  Crowd& crowd_;
};

TEST(Embeddings, CallsRunUpToEightAtATimeAndComeBackInOrder) {
  Crowd crowd{.wanted = 8};
  CrowdedTransport transport(crowd);
  expect_in_order(ask(transport, "gemini-embedding-001", call_of(20, 3)), 20);
  EXPECT_EQ(crowd.opened, 20u);
  EXPECT_EQ(crowd.most, 8u);
  EXPECT_EQ(crowd.cancelled, 0u);
}

TEST(Embeddings, TheFirstFailureEndsTheOthers) {
  Crowd crowd{.wanted = 100, .refused = 3};
  CrowdedTransport transport(crowd);
  const auto received = ask(transport, "gemini-embedding-001", call_of(20, 3));
  ASSERT_TRUE(received.error);
  EXPECT_EQ(received.error->kind, ErrorKind::rate_limited);
  EXPECT_TRUE(received.batches.empty());
  EXPECT_LE(crowd.opened, 8u) << "nothing is begun after it";
  EXPECT_EQ(crowd.cancelled, crowd.opened);
}

TEST(Embeddings, AModelThatTakesOneTextIsAskedForEach) {
  CountingTransport transport;
  expect_in_order(ask(transport, "gemini-embedding-001", call_of(5, 3)), 5);
  EXPECT_THAT(transport.calls, ::testing::ElementsAre(1, 1, 1, 1, 1));
}

TEST(Embeddings, CallsAreFilledAsFarAsTheProviderTakesThem) {
  CountingTransport transport;
  expect_in_order(ask(transport, "text-embedding-005", call_of(501, 3)), 501);
  EXPECT_THAT(transport.calls, ::testing::ElementsAre(250, 250, 1));
}

TEST(Embeddings, LongTextsGoInSmallerCalls) {
  CountingTransport transport;
  expect_in_order(ask(transport, "text-embedding-005", call_of(5, 20'000)), 5);
  EXPECT_THAT(transport.calls, ::testing::ElementsAre(2, 2, 1));
}

}  // namespace
}  // namespace tollgate::providers
