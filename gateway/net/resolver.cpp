#include "gateway/net/resolver.h"
#include "gateway/base/thread_name.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace tollgate::net {
namespace {

using std::chrono::steady_clock;
using Addresses = std::vector<asio::ip::address>;

constexpr std::chrono::hours kKeepFresh(1);
// A name server that does not answer holds a thread for the system's time-out (10 s is usual): others go on.
constexpr std::size_t kThreads = 4;

Result<Addresses> ask_system(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0) return Error{ErrorKind::upstream_error, ::gai_strerror(failure)};
  Addresses addresses;
  for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
    Tcp::endpoint endpoint;
    if (entry->ai_addrlen > endpoint.capacity()) continue;
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                reinterpret_cast<char*>(endpoint.data()));
    addresses.push_back(endpoint.address());
  }
  ::freeaddrinfo(found);
  return addresses;
}

std::vector<Tcp::endpoint> with_port(const Addresses& addresses, std::uint16_t port) {
  std::vector<Tcp::endpoint> endpoints;
  endpoints.reserve(addresses.size());
  for (const auto& address : addresses) endpoints.emplace_back(address, port);
  return endpoints;
}

// A coroutine in resolve(). Used on its own loop only.
struct Waiting {
  explicit Waiting(const Executor& executor) : timer(executor) {}
  Timer timer;
  std::optional<Result<Addresses>> answer;
};

struct Waiter {
  Executor executor;
  std::shared_ptr<Waiting> waiting;
};

struct Name {
  Addresses addresses;  // empty until the first answer
  steady_clock::time_point asked;
  steady_clock::time_point due;  // of the next lookup
  bool looking_up = false;
  std::vector<Waiter> waiters;
};

struct LookupThread {
  std::thread thread;
  bool looking_up = false;
};

}  // namespace

struct Resolver::Impl {
  Impl(Log& to, std::chrono::milliseconds every, Lookup how) : log(to), refresh(every), lookup(std::move(how)) {}

  // All of these REQUIRE the mutex, but for run().
  Name& ask(const std::string& host);
  void forget(const std::string& host, const Waiting* waiting);
  std::map<std::string, Name>::iterator next_due();
  void store(const std::string& host, Result<Addresses> answer);
  void run(LookupThread& self);

  Log& log;
  const std::chrono::milliseconds refresh;
  const Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Name> names;
  std::array<LookupThread, kThreads> threads;
  bool stopped = false;
};

Name& Resolver::Impl::ask(const std::string& host) {
  auto [at, is_new] = names.try_emplace(host);
  Name& name = at->second;
  name.asked = steady_clock::now();
  // Unknown, or its last lookup failed: its turn comes now, after those that were due before.
  if (is_new || (name.addresses.empty() && name.due > name.asked)) {
    name.due = name.asked;
    changed.notify_one();
  }
  return name;
}

void Resolver::Impl::forget(const std::string& host, const Waiting* waiting) {
  const auto at = names.find(host);
  if (at != names.end()) std::erase_if(at->second.waiters, [&](const Waiter& w) { return w.waiting.get() == waiting; });
}

// The name whose lookup is due first, among those in use that nobody is looking up. A name nobody asked for in the last
// hour keeps its answer.
std::map<std::string, Name>::iterator Resolver::Impl::next_due() {
  const auto used_since = steady_clock::now() - kKeepFresh;
  auto first = names.end();
  for (auto at = names.begin(); at != names.end(); ++at) {
    if (at->second.looking_up || at->second.asked < used_since) continue;
    if (first == names.end() || at->second.due < first->second.due) first = at;
  }
  return first;
}

void Resolver::Impl::store(const std::string& host, Result<Addresses> answer) {
  Name& name = names[host];
  name.looking_up = false;
  name.due = steady_clock::now() + refresh;
  if (answer && answer->empty()) answer = Error{ErrorKind::upstream_error, "no address"};
  if (answer) {
    name.addresses = *answer;
  } else {
    log.write(LogLevel::warning, "dns_failed",
              name.addresses.empty() ? "a host name does not resolve"
                                     : "a host name does not resolve; its last addresses stay in use",
              {{"host", std::string_view(host)}, {"reason", std::string_view(answer.error().message)}});
  }
  for (const auto& waiter : std::exchange(name.waiters, {})) {
    asio::post(waiter.executor, [waiting = waiter.waiting, answer] {
      waiting->answer = answer;
      waiting->timer.cancel();
    });
  }
}

void Resolver::Impl::run(LookupThread& self) {
  name_this_thread("tollgate-dns");
  std::unique_lock lock(mutex);
  while (!stopped) {
    const auto next = next_due();
    if (next == names.end()) {
      changed.wait(lock);
      continue;
    }
    if (const auto due = next->second.due; due > steady_clock::now()) {
      changed.wait_until(lock, due);
      continue;
    }
    const std::string host = next->first;
    self.looking_up = next->second.looking_up = true;
    lock.unlock();
    auto answer = lookup(host);
    lock.lock();
    self.looking_up = false;
    if (!stopped) store(host, std::move(answer));
  }
}

Resolver::Resolver(Log& log, std::chrono::milliseconds refresh, Lookup lookup)
    : impl_(std::make_shared<Impl>(log, refresh, lookup ? std::move(lookup) : Lookup(ask_system))) {
  for (auto& one : impl_->threads) one.thread = std::thread([impl = impl_, &one] { impl->run(one); });
}

Resolver::~Resolver() {
  std::unique_lock lock(impl_->mutex);
  impl_->stopped = true;
  impl_->changed.notify_all();
  // getaddrinfo cannot be interrupted and may take many seconds; its thread then touches nothing but `impl`.
  for (auto& one : impl_->threads)
    if (one.looking_up) one.thread.detach();
  lock.unlock();
  for (auto& one : impl_->threads)
    if (one.thread.joinable()) one.thread.join();
}

void Resolver::prefetch(const std::string& host, std::uint16_t) {
  boost::system::error_code not_numeric;
  (void)asio::ip::make_address(host, not_numeric);
  if (!not_numeric) return;
  const std::lock_guard lock(impl_->mutex);
  impl_->ask(host);
}

Task<Result<std::vector<Tcp::endpoint>>> Resolver::resolve(std::string host, std::uint16_t port,
                                                           std::chrono::milliseconds limit) {
  boost::system::error_code error;
  const auto numeric = asio::ip::make_address(host, error);
  if (!error) co_return std::vector<Tcp::endpoint>{Tcp::endpoint(numeric, port)};

  const Executor executor = co_await asio::this_coro::executor;
  const auto impl = impl_;
  std::shared_ptr<Waiting> waiting;
  {
    const std::lock_guard lock(impl->mutex);
    Name& name = impl->ask(host);
    if (!name.addresses.empty()) co_return with_port(name.addresses, port);
    waiting = std::make_shared<Waiting>(executor);
    name.waiters.push_back({executor, waiting});
  }
  // Whatever ends this coroutine, the resolver's thread must not post to its loop any more.
  const auto leave = [&](Waiting* left) {
    const std::lock_guard lock(impl->mutex);
    impl->forget(host, left);
  };
  const std::unique_ptr<Waiting, decltype(leave)> registered(waiting.get(), leave);

  waiting->timer.expires_after(limit);
  auto token = asio::redirect_error(use_task, error);
  co_await waiting->timer.async_wait(token);
  if (!waiting->answer) co_return Error{ErrorKind::upstream_timeout, "the name " + host + " was not resolved in time"};
  if (!*waiting->answer) {
    co_return Error{ErrorKind::upstream_error,
                    "the name " + host + " does not resolve: " + waiting->answer->error().message};
  }
  co_return with_port(**waiting->answer, port);
}

}  // namespace tollgate::net
