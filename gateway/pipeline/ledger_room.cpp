#include "gateway/pipeline/ledger_room.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

namespace tollgate::pipeline {

namespace {
constexpr std::chrono::milliseconds kRest{20};  // two commits of the ledger
}

net::Task<bool> rest_while_full(const finops::RingProducer& ring, SteadyTime waiting_since) {
  const auto waited = std::chrono::steady_clock::now() - waiting_since;
  if (waited >= kLedgerPatience || ring.full_for() >= kLedgerPatience) co_return false;
  const net::Executor executor = co_await net::asio::this_coro::executor;
  net::Timer timer(executor, kRest);
  boost::system::error_code ignored;  // nobody cancels this timer
  auto token = net::asio::redirect_error(net::use_task, ignored);
  co_await timer.async_wait(token);
  co_return true;
}

Error ledger_unavailable() {
  return Error{.kind = ErrorKind::overloaded,
               .message = "The gateway cannot record usage at the moment, so it takes no calls. Try again shortly.",
               .code = "ledger_unavailable",
               .retry_after = std::chrono::milliseconds(2'000)};
}

}  // namespace tollgate::pipeline
