#include "providers/identity/flight.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <utility>

namespace tollgate::providers {

using ErrorCode = boost::system::error_code;
using std::chrono::milliseconds;

net::Task<void> Flights::close() {
  closed_ = true;
  const auto flying = under_way_;  // stop() leaves the set as it is; landing changes it
  for (Flight* const flight : flying) flight->stop();
  while (!under_way_.empty()) co_await none_left_.wait();
}

std::shared_ptr<Flight> Flight::start(std::shared_ptr<Flights> flights, const IdentityContext& context,
                                      TokenRoute route, CredentialSource source, FlightOptions options, Landed landed) {
  std::shared_ptr<Flight> flight(
      new Flight(std::move(flights), context, std::move(route), std::move(source), options, std::move(landed)));
  flight->flights_->under_way_.insert(flight.get());
  flight->limit_.expires_after(options.limit);
  flight->limit_.async_wait([weak = std::weak_ptr(flight)](ErrorCode error) {
    const auto late = weak.lock();
    if (error || !late) return;
    late->timed_out_ = true;
    late->fetcher_.stop();
    late->pause_.cancel();
  });
  auto coroutine = run(flight);
  net::asio::co_spawn(context.io.get_executor(), std::move(coroutine), [flight](const std::exception_ptr& failure) {
    // Whatever ended it, nobody waits in vain.
    if (failure) flight->finish(Error{.kind = ErrorKind::internal, .message = "the fetch broke off"});
  });
  return flight;
}

Flight::Flight(std::shared_ptr<Flights> flights, const IdentityContext& context, TokenRoute route,
               CredentialSource source, FlightOptions options, Landed landed)
    : flights_(std::move(flights)),
      fetcher_(context, std::move(route)),
      source_(std::move(source)),
      options_(options),
      landed_(std::move(landed)),
      limit_(context.io.get_executor()),
      pause_(context.io.get_executor()) {}

net::Task<void> Flight::run(std::shared_ptr<Flight> self) {
  // co_spawn may begin at once: whoever starts a flight must first know of it.
  auto next_turn = net::asio::post(self->limit_.get_executor(), net::use_task);
  co_await std::move(next_turn);
  auto result = co_await self->fetch();
  self->finish(std::move(result));
}

net::Task<Result<Credential>> Flight::fetch() {
  milliseconds pause = options_.pause;
  for (int left = options_.tries; true; pause *= 3) {
    auto result = co_await source_(fetcher_);
    const bool again = !result && result.error().retryable && --left > 0 && !fetcher_.stopped();
    if (!again && timed_out_ && !result)
      co_return Error{.kind = ErrorKind::upstream_timeout, .message = "no credential could be obtained in time"};
    if (!again) co_return result;
    co_await rest(pause);
  }
}

net::Task<void> Flight::rest(milliseconds time) {
  // Workers that were turned away together do not come back together.
  std::uniform_int_distribution<milliseconds::rep> around(time.count() / 2, time.count() * 3 / 2);
  pause_.expires_after(milliseconds(around(random_)));
  ErrorCode ignored;
  co_await pause_.async_wait(net::asio::redirect_error(net::use_task, ignored));
}

void Flight::stop() {
  fetcher_.stop();
  limit_.cancel();
  pause_.cancel();
}

void Flight::finish(Result<Credential> result) {
  const auto flights = flights_;
  flights->under_way_.erase(this);
  limit_.cancel();
  if (flights->under_way_.empty()) flights->none_left_.notify();
  if (const auto landed = std::exchange(landed_, nullptr)) landed(std::move(result));
}

}  // namespace tollgate::providers
