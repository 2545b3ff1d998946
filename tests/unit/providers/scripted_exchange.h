#pragma once
// A transport that plays a script instead of talking to a network.
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "providers/transport.h"
#include "providers/upstream.h"

namespace tollgate::providers::testing {

struct Script {
  int status = 200;
  std::vector<net::Header> headers = {{"content-type", "text/event-stream; charset=utf-8"}};
  std::vector<std::string> pieces = {};               // one per read
  std::optional<Error> start_failure = std::nullopt;  // instead of a head
  std::optional<Error> read_failure = std::nullopt;   // after the pieces, instead of the end
  bool stalls = false;                                // after the pieces, until cancelled
};

// What the code under test did.
struct Journal {
  HttpCall call;
  std::size_t reads = 0;
  bool end_read = false;  // the exchange was read to its end
  bool cancelled = false;
};

class ScriptedExchange final : public HttpExchange {
 public:
  ScriptedExchange(Script script, std::shared_ptr<Journal> journal)
      : script_(std::move(script)), journal_(std::move(journal)) {}

  net::Task<Status> start() override {
    if (script_.start_failure) co_return *script_.start_failure;
    co_return Status();
  }
  int status() const override { return script_.status; }
  std::string_view header(std::string_view name) const override {
    for (const auto& header : script_.headers)
      if (net::iequals(header.name, name)) return header.value;
    return {};
  }
  net::Task<Result<bool>> read_some(std::string& out) override {
    if (journal_->cancelled) co_return Error{ErrorKind::cancelled, "cancelled"};
    if (journal_->reads < script_.pieces.size()) {
      out += script_.pieces[journal_->reads++];
      co_return true;
    }
    if (script_.stalls) {
      const net::Executor executor = co_await net::asio::this_coro::executor;
      net::Timer tick(executor);
      while (!journal_->cancelled) {
        tick.expires_after(std::chrono::milliseconds(1));
        co_await tick.async_wait(net::use_task);
      }
      co_return Error{ErrorKind::cancelled, "cancelled"};
    }
    if (script_.read_failure) co_return *script_.read_failure;
    journal_->end_read = true;
    co_return false;
  }
  void cancel() override { journal_->cancelled = true; }
  bool dispatched() const override { return !script_.start_failure; }

 private:
  Script script_;
  std::shared_ptr<Journal> journal_;
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(Script script) : script_(std::move(script)) {}
  std::unique_ptr<HttpExchange> open(HttpCall call) override {
    journal->call = std::move(call);
    return std::make_unique<ScriptedExchange>(script_, journal);
  }
  std::shared_ptr<Journal> journal = std::make_shared<Journal>();

 private:
  Script script_;
};

template <class T>
net::Task<void> keep_result(net::Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

// Runs one coroutine to its end on a loop of its own.
template <class T>
T run(net::Task<T> task) {
  net::asio::io_context loop(1);
  std::optional<T> result;
  net::asio::co_spawn(loop, keep_result(std::move(task), result), [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  });
  loop.run();
  return std::move(result).value();
}

// Everything a stream gives: its batches, and the error that ended it, if one did.
struct Received {
  std::vector<Batch> batches;
  std::optional<Error> error;
};

inline Received receive(EventStream& stream) {
  Received out;
  while (true) {
    auto batch = run(stream.next());
    if (!batch) {
      out.error = batch.error();
      return out;
    }
    if (!*batch) return out;
    out.batches.push_back(std::move(**batch));
  }
}

}  // namespace tollgate::providers::testing
