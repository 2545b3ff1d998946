// Any dialect over a transport that plays a script: what is sent, who proves it, and how each ending is told.
#include "providers/dialect_upstream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/providers/scripted_exchange.h"

namespace tollgate::providers {
namespace {

using ::testing::ElementsAre;
using testing::Journal;
using testing::Received;
using testing::Script;
using testing::ScriptedTransport;

AttemptRequest request(bool stream) {
  auto decoded = decode_chat_request(std::make_shared<const std::string>(
      std::string(R"({"model":"ours","messages":[{"role":"user","content":"hello ann"}],"seed":1,"stream":)") +
      (stream ? "true}" : "false}")));
  EXPECT_TRUE(decoded);
  AttemptRequest out;
  out.call = std::make_shared<const Call>(std::move(*decoded));
  out.upstream_model = "claude-sonnet-4-5";
  out.request_id = "req-1";
  out.timeouts.idle = std::chrono::milliseconds(1234);
  const auto at = static_cast<std::uint32_t>(out.call->body->find("ann"));
  out.edits.push_back({{at, 3}, "PERSON1"});
  return out;
}

ProviderOptions provider() {
  ProviderOptions out;
  out.kind = "anthropic";
  out.endpoint = std::make_shared<const Endpoint>();
  out.default_max_tokens = 77;
  return out;
}

// Notes what it is asked; refuses, or waits until it is cancelled, if told to.
class TestAuthorizer final : public Authorizer {
 public:
  net::Task<Status> authorize(HttpCall& call) override {
    ++asked;
    body_seen = call.body;
    if (failure) co_return *failure;
    if (waits) {
      const net::Executor executor = co_await net::asio::this_coro::executor;
      net::Timer tick(executor);
      while (!cancelled) {
        tick.expires_after(std::chrono::milliseconds(1));
        co_await tick.async_wait(net::use_task);
      }
      co_return Error{ErrorKind::cancelled, "cancelled"};
    }
    set_header(call, "authorization", "Proof " + std::to_string(asked));
    co_return Status();
  }
  void cancel(const HttpCall&) override { cancelled = true; }
  void refused() override { ++refusals; }

  int asked = 0;
  int refusals = 0;
  bool waits = false;
  bool cancelled = false;
  std::optional<Error> failure;
  std::string body_seen;
};

struct Outcome {
  Received received;
  std::shared_ptr<Journal> journal;
  std::shared_ptr<TestAuthorizer> authorizer;
  bool dispatched = false;
  std::string lossy;
};

Outcome play(Script script, bool stream = true, std::optional<Error> failure = std::nullopt) {
  ScriptedTransport transport(std::move(script));
  const auto authorizer = std::make_shared<TestAuthorizer>();
  authorizer->failure = std::move(failure);
  const auto upstream = http_upstream(provider(), authorizer, transport);
  const auto events = upstream->start(request(stream));
  auto received = testing::receive(*events);
  return {std::move(received), transport.journal, authorizer, events->dispatched(), events->lossy()};
}

const std::string kText =
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n";
const std::string kFinish =
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\n";
const std::string kStop = "data: {\"type\":\"message_stop\"}\n\n";

TEST(DialectUpstream, SendsTheScrubbedRequestProvenLast) {
  const auto outcome = play({.pieces = {kText + kFinish + kStop}});
  const HttpCall& sent = outcome.journal->call;
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.path, "/messages");
  EXPECT_EQ(sent.body, R"({"model":"claude-sonnet-4-5","max_tokens":77,"messages":[{"role":"user","content":)"
                       R"([{"type":"text","text":"hello PERSON1"}]}],"stream":true})");
  EXPECT_EQ(outcome.authorizer->body_seen, sent.body);
  EXPECT_EQ(sent.timeouts.idle, std::chrono::milliseconds(1234));
  std::vector<std::string> headers;
  for (const auto& header : sent.headers) headers.push_back(header.name + ": " + header.value);
  EXPECT_THAT(headers, ElementsAre("content-type: application/json", "accept: text/event-stream",
                                   "anthropic-version: 2023-06-01", "accept-encoding: identity",
                                   "user-agent: tollgate/0.1", "x-request-id: req-1", "authorization: Proof 1"));
  EXPECT_EQ(outcome.lossy, "seed");
  EXPECT_TRUE(outcome.dispatched);
}

TEST(DialectUpstream, ReadsToTheEndSoThatTheConnectionIsKept) {
  const auto outcome = play({.pieces = {kText + kFinish, kStop}});
  EXPECT_FALSE(outcome.received.error);
  EXPECT_EQ(outcome.received.batches.size(), 3u);
  EXPECT_TRUE(outcome.journal->end_read);
}

TEST(DialectUpstream, AProviderThatNeverClosesItsBodyDoesNotKeepTheCallOpen) {
  const auto outcome = play({.pieces = {kText + kFinish + kStop}, .stalls = true});
  EXPECT_FALSE(outcome.received.error);
  EXPECT_TRUE(outcome.journal->cancelled);
}

TEST(DialectUpstream, SaysWhatIsAtHand) {
  ScriptedTransport transport({.pieces = {kText + kText, kFinish + kStop}});
  const auto upstream = http_upstream(provider(), no_authorizer(), transport);
  const auto events = upstream->start(request(true));
  ASSERT_TRUE(*testing::run(events->next()));
  EXPECT_TRUE(events->buffered());
  ASSERT_TRUE(*testing::run(events->next()));
  EXPECT_FALSE(events->buffered());
}

TEST(DialectUpstream, ARequestThatCannotBeProvenIsNotSent) {
  const auto outcome = play({}, true, Error{ErrorKind::upstream_error, "no token"});
  EXPECT_EQ(outcome.received.error->message, "no token");
  EXPECT_FALSE(outcome.dispatched);
  EXPECT_TRUE(outcome.journal->call.path.empty());
}

TEST(DialectUpstream, ARequestThatTheProviderHasNoPlaceForIsNotSent) {
  ScriptedTransport transport({});
  const auto authorizer = std::make_shared<TestAuthorizer>();
  const auto upstream = http_upstream(provider(), authorizer, transport);
  auto asked = request(false);
  auto decoded = decode_chat_request(
      std::make_shared<const std::string>(R"({"model":"ours","n":2,"messages":[{"role":"user","content":"x"}]})"));
  asked.call = std::make_shared<const Call>(std::move(*decoded));
  asked.edits.clear();
  const auto events = upstream->start(std::move(asked));
  EXPECT_EQ(testing::receive(*events).error->param, "n");
  EXPECT_FALSE(events->dispatched());
  EXPECT_EQ(authorizer->asked, 0);
}

TEST(DialectUpstream, ACredentialThatWasRefusedIsReported) {
  const auto body = R"({"type":"error","error":{"type":"authentication_error","message":"sk-secret"}})";
  for (const int status : {401, 403}) {
    const auto outcome = play({.status = status, .headers = {{"content-type", "application/json"}}, .pieces = {body}});
    EXPECT_EQ(outcome.authorizer->refusals, 1);
    EXPECT_EQ(outcome.received.error->code, "upstream_auth_error");
    EXPECT_EQ(outcome.received.error->upstream_status, status);
    EXPECT_EQ(outcome.received.error->message.find("sk-secret"), std::string::npos);
  }
  EXPECT_EQ(play({.status = 500, .headers = {}}).authorizer->refusals, 0);
}

TEST(DialectUpstream, ARefusalBeforeContentCountsLikeOneWithAStatus) {
  const std::string limited = "data: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\"}}\n\n";
  EXPECT_EQ(play({.pieces = {limited}}).received.error->upstream_status, 429);
  EXPECT_EQ(play({.pieces = {kText + limited}}).received.error->upstream_status, 0);
}

TEST(DialectUpstream, PassesOnTransportFaults) {
  const Error timeout{ErrorKind::upstream_timeout, "slow"};
  EXPECT_EQ(play({.start_failure = timeout}).received.error->kind, ErrorKind::upstream_timeout);
  EXPECT_EQ(play({.pieces = {kText}, .read_failure = timeout}).received.error->kind, ErrorKind::upstream_timeout);
}

TEST(DialectUpstream, ReadsBoundedAmounts) {
  const std::vector<std::string> endless(1000, std::string(4096, 'x'));
  EXPECT_EQ(play({.status = 500, .headers = {}, .pieces = endless}).received.error->kind, ErrorKind::upstream_error);
  const std::vector<std::string> body(40, std::string(1 << 20, ' '));
  EXPECT_EQ(play({.headers = {}, .pieces = body}).received.error->code, "upstream_body_too_long");
  const std::vector<std::string> event(2, "data: " + std::string(1 << 20, ' '));
  EXPECT_EQ(play({.pieces = event}).received.error->code, "upstream_event_too_long");
}

TEST(DialectUpstream, RefusesACompressedAnswer) {
  EXPECT_EQ(play({.headers = {{"content-encoding", "gzip"}}}).received.error->code, "upstream_encoding");
}

TEST(DialectUpstream, CanBeCancelledBeforeItStarts) {
  ScriptedTransport transport({.pieces = {kText}});
  const auto upstream = http_upstream(provider(), no_authorizer(), transport);
  const auto events = upstream->start(request(true));
  events->cancel();
  events->cancel();
  EXPECT_EQ(testing::receive(*events).error->kind, ErrorKind::cancelled);
}

TEST(DialectUpstream, CanBeCancelledWhileTheProofIsFetched) {
  ScriptedTransport transport({.pieces = {kText}});
  const auto authorizer = std::make_shared<TestAuthorizer>();
  authorizer->waits = true;
  const auto upstream = http_upstream(provider(), authorizer, transport);
  const auto events = upstream->start(request(true));
  net::asio::io_context loop(1);
  std::optional<Result<std::optional<Batch>>> result;
  net::asio::co_spawn(loop, testing::keep_result(events->next(), result), [](const std::exception_ptr&) {});
  net::Timer later(loop, std::chrono::milliseconds(3));
  later.async_wait([&](const boost::system::error_code&) { events->cancel(); });
  loop.run();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().kind, ErrorKind::cancelled);
  EXPECT_TRUE(transport.journal->call.path.empty());
}

}  // namespace
}  // namespace tollgate::providers
