// What every upstream call pays for its proof: a signature, or a token that is there.
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "providers/identity/crypto.h"
#include "providers/identity/identity.h"
#include "providers/identity/sigv4.h"

namespace tollgate::providers {
namespace {

// Tokens in this program are asked of nobody.
class NoTransport final : public Transport {
 public:
  std::unique_ptr<HttpExchange> open(HttpCall) override { return nullptr; }
};

HttpCall converse_call(std::size_t body) {
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->host = "bedrock-runtime.eu-west-1.amazonaws.com";
  HttpCall call;
  call.endpoint = std::move(endpoint);
  call.path = "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse";
  call.headers = {{"content-type", "application/json"}, {"accept", "application/json"}, {"user-agent", "tollgate/0.1"}};
  call.body = std::string(body, 'x');
  return call;
}

struct World {
  std::unique_ptr<Authorizer> authorizer(IdentityOptions options) {
    auto made = service.authorizer("p", std::make_shared<const IdentityOptions>(std::move(options)), TokenRoute{});
    return made ? *std::move(made) : nullptr;
  }
  void authorize(Authorizer& by, HttpCall& call) {
    auto task = [](Authorizer& how, HttpCall& what) -> net::Task<void> { (void)co_await how.authorize(what); }(by,
                                                                                                               call);
    net::asio::co_spawn(io.get_executor(), std::move(task), net::asio::detached);
    io.restart();
    io.run();
  }

  net::asio::io_context io{1};
  NoTransport transport;
  CredentialFiles files;
  RealClock clock;
  NullLog log;
  IdentityService service{
      IdentityContext{.io = io, .transport = transport, .files = files, .clock = clock, .log = log}};
};

void Sha256(benchmark::State& state) {
  const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(sha256(body));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Sha256)->Arg(64)->Arg(2'048)->Arg(65'536);

// The whole of authorize(), with what it costs to run a coroutine on a loop.
void AuthorizeAws(benchmark::State& state) {
  World world;
  AwsIdentity identity;
  identity.region = "eu-west-1";
  AwsStaticKeys keys;
  keys.access_key_id = "AKIDEXAMPLE";
  keys.secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  identity.source = std::move(keys);
  const auto by = world.authorizer(std::move(identity));
  HttpCall call = converse_call(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) world.authorize(*by, call);
}
BENCHMARK(AuthorizeAws)->Arg(2'048)->Arg(65'536);

void AuthorizeKey(benchmark::State& state) {
  World world;
  const auto by = world.authorizer(KeyIdentity{KeyIdentity::Header::bearer, Secret("sk-test")});
  HttpCall call = converse_call(2'048);
  for (auto _ : state) world.authorize(*by, call);
}
BENCHMARK(AuthorizeKey);

}  // namespace
}  // namespace tollgate::providers

BENCHMARK_MAIN();
