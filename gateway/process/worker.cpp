#include "gateway/process/worker.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "gateway/base/thread_name.h"
#include "gateway/net/stream.h"
#include "gateway/pipeline/local_upstream.h"
#include "gateway/pipeline/routes.h"

namespace tollgate::process {

namespace asio = net::asio;

namespace {

constexpr std::chrono::milliseconds kGaugePeriod{1'000};
constexpr std::chrono::milliseconds kCloseTime{1'000};

std::unique_ptr<ratelimit::Limiter> make_limiter(asio::io_context& io, Shared& shared, const config::Snapshot& snapshot,
                                                 ratelimit::RedisLimiter*& redis) {
  if (!snapshot.redis) return ratelimit::memory_limiter(shared.limits);
  auto limiter = ratelimit::redis_limiter(io, *snapshot.redis, shared.limits, shared.clock, shared.log);
  redis = limiter.get();
  return limiter;
}

// What was made of an entry that a new configuration leaves as it was; null: it is new, or another now.
template <class Entries, class Made>
const typename Made::mapped_type* kept(const Entries& before, const Entries& now, const Made& made,
                                       const std::string& name) {
  const auto old = before.find(name);
  const auto found = made.find(name);
  const bool same = old != before.end() && old->second == now.at(name);
  return same && found != made.end() ? &found->second : nullptr;
}

}  // namespace

Worker::Worker(std::size_t index, Shared& shared, observe::MetricsShard& metrics, Published first)
    : index_(index),
      shared_(shared),
      metrics_(metrics),
      work_(io_.get_executor()),
      sweep_(io_),
      random_(std::random_device()()),
      unknown_kinds_(shared.clock),
      failed_handshakes_(shared.clock),
      upstreams_({io_, sweep_, shared.resolver, shared.credential_files, shared.clock, shared.log}),
      limiter_(make_limiter(io_, shared, *first.snapshot, redis_)),
      context_{
          .io = io_,
          .sweep = sweep_,
          .clock = shared.clock,
          .ids = ids_,
          .handler = [this](server::Exchange& exchange) { return handle(exchange); },
          .refused = [this](server::Exchange& exchange, Error error) { return refuse(exchange, std::move(error)); },
          .crashed = [this](std::string_view what) { shared_.log.write(LogLevel::error, "session_crashed", what, {}); },
          .bytes_in_flight = &shared.bytes_in_flight,
          .connections = &shared.connections},
      gauges_(sweep_, [this] { report_gauges(); }) {
  services_ = std::make_unique<pipeline::Services>(
      pipeline::Services{shared.clock, ids_, shared.log, sweep_, metrics_, shared.ledger.producer(index), *limiter_,
                         shared.health, shared.estimator, shared.scanner, shared.scan_cache, shared.analyser_breaker,
                         unknown_kinds_, shared.hasher, shared.handles, [this] { return random_(); }, shared.note_use});
  apply(std::move(first));
  gauges_.set(kGaugePeriod);
}

Worker::~Worker() { stop(); }

void Worker::start() {
  thread_ = std::thread([this] {
    name_this_thread(("tollgate-w" + std::to_string(index_)).c_str());
    io_.run();
  });
}

void Worker::publish(Published next) {
  asio::post(io_, [this, next = std::move(next)]() mutable { apply(std::move(next)); });
}

void Worker::take(net::Socket socket, server::Seat seat) {
  asio::post(io_, [this, socket = std::move(socket), seat = std::move(seat)]() mutable {
    auto greeting = greet(std::move(socket), std::move(seat));
    asio::co_spawn(io_, std::move(greeting), asio::detached);
  });
}

void Worker::drain() {
  asio::post(io_, [this] { server::drain(context_); });
}

void Worker::cut() {
  asio::post(io_, [this] { server::cut(context_); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    auto closing = close();
    asio::co_spawn(io_, std::move(closing), asio::detached);
  });
  thread_.join();
}

// What is being fetched ends before the transport that carries it goes. Whatever hangs does not hold up the process.
net::Task<void> Worker::close() {
  gauges_.clear();
  net::Timer patience(io_.get_executor(), kCloseTime);
  patience.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) io_.stop();
  });
  co_await upstreams_.close();
  sweep_.stop();
  work_.reset();
  io_.stop();
}

net::Task<void> Worker::greet(net::Socket socket, server::Seat seat) {
  boost::system::error_code ignored;
  (void)socket.set_option(net::Tcp::no_delay(true), ignored);
  if (tls_ == nullptr) {
    server::serve(context_, net::plain_stream(std::move(socket)), std::move(seat));
    co_return;
  }
  const net::TlsContext tls = tls_;
  auto stream = co_await net::accept_tls(std::move(socket), tls.get(), context_.timeouts.handshake);
  if (stream) {
    server::serve(context_, *std::move(stream), std::move(seat));
    co_return;
  }
  metrics_.count("tollgate_handshake_failures_total");
  // Anybody can make them fail, without end.
  if (const auto& why = stream.error().message; failed_handshakes_.due(why))
    shared_.log.write(LogLevel::warning, "tls_handshake_failed", why, {});
}

net::Task<void> Worker::handle(server::Exchange& exchange) {
  auto view = view_;
  return pipeline::route(*services_, std::move(view), exchange);
}

net::Task<void> Worker::refuse(server::Exchange& exchange, Error error) {
  metrics_.count("tollgate_http_refusals_total", {{"status", std::to_string(http_status(error.kind))}});
  return pipeline::refuse(exchange, std::move(error));
}

std::shared_ptr<providers::Upstream> Worker::make_upstream(const config::Snapshot& snapshot,
                                                           const providers::ProviderOptions& provider) {
  // An unchanged provider keeps its upstream across reloads, and with it its warm connections and its token.
  if (view_ && view_->snapshot)
    if (const auto* upstream = kept(view_->snapshot->providers, snapshot.providers, view_->upstreams, provider.id))
      return *upstream;
  if (provider.kind == "local") return pipeline::local_upstream(shared_.models.source(provider.id), io_.get_executor());
  return upstreams_.make(provider);
}

std::optional<pipeline::AnalyserWay> Worker::analyser_way(const config::Snapshot& snapshot,
                                                          const config::Analyser& analyser) {
  // An unchanged analyser keeps its token, too.
  if (view_ && view_->snapshot)
    if (const auto* way = kept(view_->snapshot->pii_analysers, snapshot.pii_analysers, view_->analysers, analyser.name))
      return *way;
  return upstreams_.make(analyser);
}

void Worker::apply(Published next) {
  auto view = std::make_shared<pipeline::View>();
  view->snapshot = next.snapshot;
  view->credentials = std::move(next.credentials);
  view->pseudonymisers = std::move(next.pseudonymisers);
  for (const auto& [id, provider] : next.snapshot->providers)
    if (auto upstream = make_upstream(*next.snapshot, *provider)) view->upstreams[id] = std::move(upstream);
  for (const auto& [name, analyser] : next.snapshot->pii_analysers)
    if (auto way = analyser_way(*next.snapshot, *analyser)) view->analysers[name] = *std::move(way);
  view_ = std::move(view);
  tls_ = std::move(next.tls);
  const auto& listen = next.snapshot->listen;
  context_.limits = listen.http;
  context_.timeouts = listen.timeouts;
  context_.max_bytes_in_flight = listen.max_bytes_in_flight;
}

void Worker::report_gauges() {
  gauges_.set(kGaugePeriod);
  const std::string worker = std::to_string(index_);
  metrics_.gauge("tollgate_loop_lag_seconds", {{"worker", worker}},
                 std::chrono::duration<double>(sweep_.take_worst_lag()).count());
  if (redis_ == nullptr) return;
  metrics_.gauge("tollgate_limit_store_up", {{"worker", worker}}, redis_->stats().connected ? 1 : 0);
}

}  // namespace tollgate::process
