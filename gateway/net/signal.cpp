#include "gateway/net/signal.h"

#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

namespace tollgate::net {

namespace {

using Handler = asio::async_result<asio::use_awaitable_t<Executor>, void()>::handler_type;

}  // namespace

// Made once per Signal, so that a wait allocates nothing of its own.
struct Signal::Waiter {
  std::optional<Handler> handler;

  void resume(const Executor& executor) {
    Handler ready = *std::exchange(handler, std::nullopt);
    asio::post(executor, std::move(ready));
  }
};

Signal::Signal(Executor executor) : executor_(std::move(executor)), waiter_(std::make_unique<Waiter>()) {}

Signal::~Signal() {
  if (waiter_->handler) waiter_->resume(executor_);
}

void Signal::notify() {
  if (waiter_->handler) {
    waiter_->resume(executor_);
  } else {
    pending_ = true;
  }
}

Task<void> Signal::wait() {
  if (std::exchange(pending_, false)) co_return;
  auto keep = [waiter = waiter_.get()](Handler&& handler) { waiter->handler.emplace(std::move(handler)); };
  auto woken = asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(std::move(keep), use_task);
  co_await std::move(woken);  // the Signal may be gone after this line
}

}  // namespace tollgate::net
