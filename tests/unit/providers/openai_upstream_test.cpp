// A provider behind a transport that plays a script: what is sent, and how each ending is told.
#include <gtest/gtest.h>

#include "tests/unit/providers/scripted_exchange.h"

namespace tollgate::providers {
namespace {

using testing::Journal;
using testing::Received;
using testing::Script;
using testing::ScriptedTransport;

std::shared_ptr<const Call> call(bool stream) {
  auto decoded = decode_chat_request(std::make_shared<const std::string>(
      std::string(R"({"model":"ours","messages":[{"role":"user","content":"hello ann"}],"stream":)") +
      (stream ? "true}" : "false}")));
  EXPECT_TRUE(decoded);
  return std::make_shared<const Call>(std::move(*decoded));
}

AttemptRequest request(bool stream) {
  AttemptRequest out;
  out.call = call(stream);
  out.upstream_model = "theirs";
  out.request_id = "req-1";
  const auto at = static_cast<std::uint32_t>(out.call->body->find("ann"));
  out.edits.push_back({{at, 3}, "PERSON1"});
  return out;
}

ProviderOptions provider() {
  ProviderOptions out;
  out.kind = "openai_compatible";
  out.endpoint = std::make_shared<const Endpoint>();
  return out;
}

std::shared_ptr<Authorizer> bearer() { return bearer_authorizer(std::make_shared<const Secret>("sk-test")); }

struct Outcome {
  Received received;
  std::shared_ptr<Journal> journal;
};

Outcome play(Script script, bool stream = true) {
  ScriptedTransport transport(std::move(script));
  const auto upstream = http_upstream(provider(), bearer(), transport);
  const auto events = upstream->start(request(stream));
  return {testing::receive(*events), transport.journal};
}

const std::string kText = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
const std::string kFinish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const std::string kDone = "data: [DONE]\n\n";

TEST(OpenaiUpstream, SendsTheSplicedBodyAndNoHeaderOfTheClient) {
  const auto outcome = play({.pieces = {kDone}});
  const HttpCall& sent = outcome.journal->call;
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.path, "/chat/completions");
  EXPECT_EQ(sent.body, R"({"stream_options":{"include_usage":true},"model":"theirs","messages":)"
                       R"([{"role":"user","content":"hello PERSON1"}],"stream":true})");
  std::vector<std::string> headers;
  for (const auto& header : sent.headers) headers.push_back(header.name + ": " + header.value);
  EXPECT_EQ(headers, (std::vector<std::string>{"content-type: application/json", "accept: text/event-stream",
                                               "accept-encoding: identity", "user-agent: tollgate/0.1",
                                               "x-request-id: req-1", "authorization: Bearer sk-test"}));
}

TEST(OpenaiUpstream, AzuresOlderRoutesNameTheDeploymentInThePath) {
  ScriptedTransport transport({.pieces = {kDone}});
  auto options = provider();
  options.api_version = "2024-10-21";
  auto deployed = request(true);
  deployed.upstream_model = "our gpt/4o";
  const auto events = http_upstream(options, bearer(), transport)->start(std::move(deployed));
  EXPECT_FALSE(testing::receive(*events).error);
  EXPECT_EQ(transport.journal->call.path, "/deployments/our%20gpt%2F4o/chat/completions?api-version=2024-10-21");
}

// Refuses to authorize, or counts what it is told.
class TestAuthorizer final : public Authorizer {
 public:
  net::Task<Status> authorize(HttpCall& call) override {
    if (failure) co_return *failure;
    set_header(call, "authorization", "Proof");
    co_return Status();
  }
  void cancel(const HttpCall&) override { ++cancels; }
  void refused() override { ++refusals; }

  std::optional<Error> failure;
  int cancels = 0;
  int refusals = 0;
};

TEST(OpenaiUpstream, ARequestThatCannotBeProvenIsNotSent) {
  ScriptedTransport transport({.pieces = {kDone}});
  const auto authorizer = std::make_shared<TestAuthorizer>();
  authorizer->failure = Error{ErrorKind::upstream_error, "no token"};
  const auto events = http_upstream(provider(), authorizer, transport)->start(request(true));
  EXPECT_EQ(testing::receive(*events).error->message, "no token");
  EXPECT_FALSE(events->dispatched());
  EXPECT_TRUE(transport.journal->call.path.empty());
}

TEST(OpenaiUpstream, ACredentialThatWasRefusedIsReported) {
  for (const auto& [status, refusals] : {std::pair(401, 1), std::pair(403, 1), std::pair(429, 0)}) {
    ScriptedTransport transport({.status = status, .headers = {}});
    const auto authorizer = std::make_shared<TestAuthorizer>();
    const auto events = http_upstream(provider(), authorizer, transport)->start(request(true));
    EXPECT_EQ(testing::receive(*events).error->upstream_status, status);
    EXPECT_EQ(authorizer->refusals, refusals);
  }
}

TEST(OpenaiUpstream, CancellingReachesTheProofThatIsBeingFetched) {
  ScriptedTransport transport({.pieces = {kDone}});
  const auto authorizer = std::make_shared<TestAuthorizer>();
  const auto events = http_upstream(provider(), authorizer, transport)->start(request(true));
  events->cancel();
  EXPECT_EQ(authorizer->cancels, 1);
}

TEST(OpenaiUpstream, ReadsToTheEndSoThatTheConnectionIsKept) {
  const auto outcome = play({.pieces = {kText + kFinish, kDone}});
  EXPECT_FALSE(outcome.received.error);
  EXPECT_EQ(outcome.received.batches.size(), 3u);
  EXPECT_TRUE(outcome.journal->end_read);
}

TEST(OpenaiUpstream, AFaultAfterTheEndMarkerIsNobodysConcern) {
  const auto outcome = play({.pieces = {kText + kDone}, .read_failure = Error{ErrorKind::upstream_error, "reset"}});
  EXPECT_FALSE(outcome.received.error);
}

TEST(OpenaiUpstream, AProviderThatNeverClosesItsBodyDoesNotKeepTheCallOpen) {
  const auto outcome = play({.pieces = {kText + kDone}, .stalls = true});
  EXPECT_FALSE(outcome.received.error);
  EXPECT_EQ(outcome.received.batches.size(), 2u);
  EXPECT_TRUE(outcome.journal->cancelled);
}

TEST(OpenaiUpstream, AnEndWithoutMarkerIsFineAfterAFinishReason) {
  EXPECT_FALSE(play({.pieces = {kText, kFinish}}).received.error);
}

TEST(OpenaiUpstream, AnEndWithoutMarkerOrFinishReasonIsAnError) {
  for (const auto& pieces :
       {std::vector<std::string>{}, {kText}, {kText, "data: [DONE"}, {kText, kFinish.substr(0, 40)}}) {
    const auto outcome = play({.pieces = pieces});
    ASSERT_TRUE(outcome.received.error);
    EXPECT_EQ(outcome.received.error->kind, ErrorKind::upstream_error);
    EXPECT_NE(outcome.received.error->message.find("ended without its end marker"), std::string::npos);
  }
}

TEST(OpenaiUpstream, GivesEveryEventThatArrivedWithTheEnd) {
  const auto outcome = play({.pieces = {"data: [DONE]\r\n\r"}});
  EXPECT_FALSE(outcome.received.error);
  EXPECT_EQ(outcome.received.batches.size(), 1u);
}

TEST(OpenaiUpstream, PassesOnTransportFaults) {
  const Error timeout{ErrorKind::upstream_timeout, "slow"};
  EXPECT_EQ(play({.start_failure = timeout}).received.error->kind, ErrorKind::upstream_timeout);
  EXPECT_EQ(play({.pieces = {kText}, .read_failure = timeout}).received.error->kind, ErrorKind::upstream_timeout);
}

TEST(OpenaiUpstream, MapsAnErrorReply) {
  const auto outcome =
      play({.status = 429,
            .headers = {{"Retry-After", "7"}, {"content-type", "application/json"}},
            .pieces = {R"({"error":{"message":"m","type":"tokens",)", R"("param":null,"code":"c"}})"}});
  ASSERT_TRUE(outcome.received.error);
  EXPECT_EQ(outcome.received.error->kind, ErrorKind::rate_limited);
  EXPECT_EQ(outcome.received.error->param, "tokens");
  EXPECT_EQ(outcome.received.error->retry_after, std::chrono::milliseconds(7000));
}

TEST(OpenaiUpstream, ReadsABoundedPartOfAnErrorBody) {
  const std::vector<std::string> endless(1000, std::string(4096, 'x'));
  const auto outcome = play({.status = 500, .headers = {}, .pieces = endless});
  EXPECT_EQ(outcome.received.error->kind, ErrorKind::upstream_error);
  EXPECT_EQ(outcome.journal->reads, 16u);
}

TEST(OpenaiUpstream, DecodesAWholeBodyWhateverWasAskedFor) {
  const Script script{
      .headers = {{"content-type", "application/json"}},
      .pieces = {R"({"choices":[{"index":0,"message":{"content":"x"},)", R"("finish_reason":"stop"}]})"}};
  for (const bool stream : {false, true}) {
    const auto outcome = play(script, stream);
    ASSERT_FALSE(outcome.received.error);
    ASSERT_EQ(outcome.received.batches.size(), 1u);
    EXPECT_TRUE(outcome.received.batches[0].whole_body);
  }
}

TEST(OpenaiUpstream, RefusesWhatIsTooLong) {
  const std::vector<std::string> body(40, std::string(1 << 20, ' '));
  EXPECT_EQ(play({.headers = {}, .pieces = body}).received.error->code, "upstream_body_too_long");
  const std::vector<std::string> event(2, "data: " + std::string(1 << 20, ' '));
  const auto outcome = play({.pieces = event});
  EXPECT_EQ(outcome.received.error->code, "upstream_event_too_long");
}

TEST(OpenaiUpstream, RefusesACompressedAnswer) {
  EXPECT_EQ(play({.headers = {{"content-encoding", "gzip"}}}).received.error->code, "upstream_encoding");
}

TEST(OpenaiUpstream, ReportsAnErrorInsideTheStream) {
  const auto outcome = play({.pieces = {kText, "data: {\"error\":{\"message\":\"boom\"}}\n\n", kDone}});
  EXPECT_EQ(outcome.received.batches.size(), 1u);
  ASSERT_TRUE(outcome.received.error);
  EXPECT_EQ(outcome.received.error->code, "upstream_error");
  EXPECT_EQ(outcome.received.error->message.find("boom"), std::string::npos) << "what it says of itself stays inside";
}

TEST(OpenaiUpstream, CanBeCancelledBeforeItStarts) {
  ScriptedTransport transport({.pieces = {kDone}});
  const auto events = http_upstream(provider(), bearer(), transport)->start(request(true));
  events->cancel();
  events->cancel();
  EXPECT_EQ(testing::receive(*events).error->kind, ErrorKind::cancelled);
}

}  // namespace
}  // namespace tollgate::providers
