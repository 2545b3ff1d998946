// What a stream costs: 1 KB there and back over loopback, both ends on one loop, so the kernel's share is in it.
#include <benchmark/benchmark.h>

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/net/deadline.h"
#include "gateway/net/signal.h"
#include "gateway/net/stream.h"
#include "gateway/net/tls.h"

namespace tollgate::net {
namespace {

using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
using StreamPtr = std::unique_ptr<Stream>;

struct Pair {
  asio::io_context io{1};
  StreamPtr client;
  StreamPtr server;
};

Task<void> keep(Task<Result<StreamPtr>> handshake, StreamPtr& stream) {
  auto result = co_await std::move(handshake);
  stream = *std::move(result);
}

struct Contexts {
  TlsContext server;
  TlsContext client;
};
const Contexts& contexts() {
  static const Contexts made = [] {
    const auto who = *make_self_signed({"localhost"}, 1);
    ClientTlsOptions trust;
    trust.ca_pem = who.certificate_pem;
    return Contexts{*server_tls(who.certificate_pem, who.key_pem), *client_tls(trust)};
  }();
  return made;
}

void connect(Pair& pair, bool tls) {
  Acceptor acceptor(pair.io.get_executor(), Tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  Socket near(pair.io.get_executor());
  near.connect(acceptor.local_endpoint());
  Socket far = acceptor.accept();
  near.set_option(Tcp::no_delay(true));
  far.set_option(Tcp::no_delay(true));
  if (!tls) {
    pair.client = plain_stream(std::move(near));
    pair.server = plain_stream(std::move(far));
    return;
  }
  auto accepting = accept_tls(std::move(far), contexts().server.get(), std::chrono::seconds(5));
  auto connecting = connect_tls(std::move(near), contexts().client.get(), {"localhost"}, std::chrono::seconds(5));
  asio::co_spawn(pair.io, keep(std::move(accepting), pair.server), asio::detached);
  asio::co_spawn(pair.io, keep(std::move(connecting), pair.client), asio::detached);
  pair.io.run();
}

Task<void> echo(Stream& stream) {
  std::array<char, 16384> buffer;
  const std::string head(100, 'h');
  for (;;) {
    const auto got = co_await stream.read_some(buffer);
    if (!got || *got == 0) co_return;
    const std::array<std::string_view, 2> pieces = {head, std::string_view(buffer.data(), *got)};
    (void)co_await stream.write(pieces);
  }
}

Task<void> ask(benchmark::State& state, Stream& stream) {
  std::array<char, 16384> buffer;
  const std::string head(150, 'h');
  const std::string body(900, 'b');
  const std::array<std::string_view, 2> pieces = {head, body};
  for (auto _ : state) {
    (void)co_await stream.write(pieces);
    std::size_t have = 0;
    while (have < 1150) have += *co_await stream.read_some(buffer);
  }
  stream.cancel();
}

void round_trip(benchmark::State& state, bool tls) {
  Pair pair;
  connect(pair, tls);
  asio::co_spawn(pair.io, echo(*pair.server), asio::detached);
  asio::co_spawn(pair.io, ask(state, *pair.client), [&](std::exception_ptr) { pair.server->cancel(); });
  pair.io.restart();
  pair.io.run();
}
BENCHMARK_CAPTURE(round_trip, plain, false);
BENCHMARK_CAPTURE(round_trip, tls, true);

void handshake(benchmark::State& state) {
  for (auto _ : state) {
    Pair pair;
    connect(pair, true);
  }
}
BENCHMARK(handshake)->Unit(benchmark::kMicrosecond);

Task<void> wait_often(benchmark::State& state, Signal& mine, Signal& theirs) {
  for (auto _ : state) {
    theirs.notify();
    co_await mine.wait();
  }
}
Task<void> answer(Signal& mine, Signal& theirs, const bool& done) {
  while (!done) {
    co_await mine.wait();
    theirs.notify();
  }
}
void signal_there_and_back(benchmark::State& state) {
  asio::io_context io(1);
  Signal one(io.get_executor());
  Signal other(io.get_executor());
  bool done = false;
  asio::co_spawn(io, answer(other, one, done), asio::detached);
  asio::co_spawn(io, wait_often(state, one, other), [&](std::exception_ptr) {
    done = true;
    other.notify();
  });
  io.run();
}
BENCHMARK(signal_there_and_back);

void deadline_set(benchmark::State& state) {
  asio::io_context io(1);
  Sweep sweep(io);
  Deadline deadline(sweep, [] {});
  for (auto _ : state) {
    deadline.set(std::chrono::seconds(1));
    deadline.clear();
  }
}
BENCHMARK(deadline_set);

// One sweep over this many deadlines that are far away: what idle connections cost, 20 times a second.
void sweep(benchmark::State& state) {
  asio::io_context io(1);
  Sweep sweep(io, std::chrono::milliseconds(0));
  std::vector<std::unique_ptr<Deadline>> deadlines;
  for (auto i = state.range(0); i > 0; --i) {
    deadlines.push_back(std::make_unique<Deadline>(sweep, [] {}));
    deadlines.back()->set(std::chrono::hours(1));
  }
  for (auto _ : state) io.run_one();
}
BENCHMARK(sweep)->Arg(1)->Arg(20'000);

}  // namespace
}  // namespace tollgate::net

BENCHMARK_MAIN();
