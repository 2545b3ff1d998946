// One fetch: its limit, and real bytes over a real transport.
#include "providers/identity/flight.h"

#include "providers/hot_transport.h"
#include "tests/support/scripted_server.h"
#include "tests/unit/providers/identity/cloud.h"

namespace tollgate::providers {
namespace {

using testing::milliseconds;
using testing::seconds;
using tollgate::testing::http_response;
using tollgate::testing::ScriptedServer;
using WireScript = tollgate::testing::Script;

class FlightTest : public testing::Cloud {
 protected:
  IdentityContext context() {
    return IdentityContext{.io = io, .transport = cloud, .files = files, .clock = clock, .log = log, .environment = {}};
  }
};

TEST_F(FlightTest, EndsWhenItsTimeIsOver) {
  cloud.hold();
  const auto with = context();
  auto flights = std::make_shared<Flights>(io.get_executor());
  FlightOptions options;
  options.limit = milliseconds(20);
  std::optional<Result<Credential>> landed;
  const CredentialSource source = [](Fetcher& fetcher) -> net::Task<Result<Credential>> {
    TokenRequest request;
    request.url = "http://127.0.0.1/token";
    TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
    co_return Credential{.access_key_id = {}, .secret = reply.body.clone(), .session_token = {}};
  };
  const auto flight = Flight::start(flights, with, TokenRoute{}, source, options,
                                    [&](Result<Credential> result) { landed.emplace(std::move(result)); });
  EXPECT_FALSE(landed);
  run_until([&] { return landed.has_value(); });
  ASSERT_FALSE(*landed);
  EXPECT_EQ(landed->error().kind, ErrorKind::upstream_timeout);
  EXPECT_EQ(cloud.cancelled, 1);
  turn();
  EXPECT_EQ(cloud.open_now, 0);
}

TEST_F(FlightTest, AnExceptionLandsAsAnError) {
  const auto with = context();
  auto flights = std::make_shared<Flights>(io.get_executor());
  std::optional<Result<Credential>> landed;
  const CredentialSource source = [](Fetcher&) -> net::Task<Result<Credential>> {
    throw std::runtime_error("a bug");
    co_return Credential{};
  };
  const auto flight = Flight::start(flights, with, TokenRoute{}, source, FlightOptions{},
                                    [&](Result<Credential> result) { landed.emplace(std::move(result)); });
  run_until([&] { return landed.has_value(); });
  EXPECT_FALSE(*landed);
}

// What the instance metadata service of AWS gets to read, byte by byte.
TEST(IdentityOnTheWire, TheInstanceMetadataSessionIsPlainHttp) {
  net::asio::io_context io(1);
  testing::KeptLog log;
  net::Sweep sweep(io, milliseconds(5));
  net::Resolver resolver(log);
  const auto transport = hot_transport(io, sweep, resolver);
  CredentialFiles files;
  const ManualClock clock{SystemTime(seconds(1'735'787'045))};
  IdentityService service(IdentityContext{.io = io,
                                          .transport = *transport,
                                          .files = files,
                                          .clock = clock,
                                          .log = log,
                                          .environment = [](const std::string&) { return std::nullopt; }});
  ScriptedServer server(io);
  for (const auto* body : {"session", "role",
                           R"({"Code":"Success","AccessKeyId":"ASIAWIRE","SecretAccessKey":"s","Token":"t",)"
                           R"("Expiration":"2025-01-02T09:04:05Z"})"}) {
    WireScript script;
    server.add(script.request().send(http_response(body)));
  }
  AwsIdentity identity;
  identity.region = "eu-west-1";
  identity.source = AwsInstance{"http://127.0.0.1:" + std::to_string(server.port()) + "/"};
  const auto by = service.authorizer("p", std::make_shared<const IdentityOptions>(std::move(identity)), TokenRoute{});
  ASSERT_TRUE(by);
  HttpCall call;
  call.endpoint = std::make_shared<Endpoint>();
  call.path = "/x";
  std::optional<Status> done;
  const auto authorize = [](Authorizer& how, HttpCall& what, std::optional<Status>& into) -> net::Task<void> {
    auto status = co_await how.authorize(what);
    into.emplace(std::move(status));
  };
  auto task = authorize(**by, call, done);
  net::asio::co_spawn(io.get_executor(), std::move(task), net::asio::detached);
  const auto limit = std::chrono::steady_clock::now() + seconds(10);
  while (!done && std::chrono::steady_clock::now() < limit) io.run_one_for(milliseconds(20));
  ASSERT_TRUE(done && *done) << (log.lines.empty() ? "" : log.lines.back());
  EXPECT_THAT(testing::header_of(call, "authorization"), ::testing::HasSubstr("Credential=ASIAWIRE/"));
  ASSERT_EQ(server.requests().size(), 3U);
  EXPECT_THAT(server.requests()[0], ::testing::StartsWith("PUT /latest/api/token HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests()[0], ::testing::HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(server.requests()[2],
              ::testing::StartsWith("GET /latest/meta-data/iam/security-credentials/role HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests()[2], ::testing::HasSubstr("x-aws-ec2-metadata-token: session\r\n"));
  server.stop();
  sweep.stop();
  io.restart();
  io.run_for(milliseconds(500));
}

}  // namespace
}  // namespace tollgate::providers
