#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <deque>
#include <set>
#include <span>
#include <stdexcept>

#include "ratelimit/memory_store.h"
#include "ratelimit/redis_link.h"
#include "ratelimit/redis_script.h"

namespace tollgate::ratelimit {
namespace {

namespace asio = net::asio;

constexpr std::size_t kMaxBacklog = 10'000;        // settlements kept for Redis while it is away
constexpr std::chrono::milliseconds kRideWait{1};  // the longest that a settlement waits for an admission to ride on

using StopWatch = std::chrono::steady_clock;

Scopes local_share(const Scopes& scopes, int replicas) {
  Scopes shares;
  for (const auto& scope : scopes) shares.push_back(share_of(*scope, replicas));
  return shares;
}

// More than half of some scope's slots are taken: others may soon wait for one.
bool crowded(const Scopes& scopes, std::span<const Reading> readings) {
  for (std::size_t i = 0; i < scopes.size(); ++i)
    if (scopes[i]->slots && 2 * readings[i].running > *scopes[i]->slots) return true;
  return false;
}

// May they be in one run with something of this id and these scopes?
bool fits(const Settlements& settlements, const Uuid& id, const Scopes& scopes) {
  return std::all_of(settlements.begin(), settlements.end(), [&](const auto& settlement) {
    return settlement->id != id && may_share(settlement->scopes, scopes);
  });
}

// One admit under way. Its answer may come after the caller has left.
struct Call {
  Call(asio::io_context& io, AdmitRequest asked, std::int64_t reserved)
      : timer(io), request(std::move(asked)), tokens(reserved) {}
  net::Timer timer;  // deadline and wake-up in one
  AdmitRequest request;
  std::int64_t tokens;
  bool answered = false;               // by Redis, by whatever answer, or by the loss of the connection
  bool lost = false;                   // by the latter: it may have been let in
  std::optional<Admission> admission;  // absent where the answer was none of our script
  bool abandoned = false;
};
using Calls = std::vector<std::shared_ptr<Call>>;

bool fits(const Calls& calls, const Uuid& id, const Scopes& scopes) {
  return std::all_of(calls.begin(), calls.end(), [&](const auto& call) {
    return call->request.id != id && may_share(call->request.scopes, scopes);
  });
}

// What one run of the script does.
struct Run {
  Settlements settlements;
  Calls calls;
};

// Everything but the interface: coroutines hold it, so that a limiter destroyed under a waiting call harms nobody.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& io, RedisOptions options, std::shared_ptr<MemoryStore> fallback, Log& log)
      : io_(io), options_(std::move(options)), fallback_(std::move(fallback)), log_(log), due_timer_(io) {}

  void start() {
    link_ = RedisLink::start(io_, options_, [this] { flush_backlog(); }, log_);
  }
  void stop() {
    send_asked();
    send_due();
    due_timer_.cancel();
    link_->close();
  }

  static net::Task<Verdict> admit(std::shared_ptr<Core> self, AdmitRequest request);
  void settle(Settlement settlement);
  RedisStats stats() const;

 private:
  class Waiting;
  bool answers_locally(const Uuid& id, const Scopes& scopes) const {
    return fallback_ != nullptr && fallback_->holds(id, scopes);
  }
  Verdict without_store(const AdmitRequest& request);
  std::optional<Verdict> judge(const Call& call);
  void ask(std::shared_ptr<Call> call);
  void send_asked();
  void send_due();
  void send(std::shared_ptr<Run> run, ScriptForm form);
  void on_reply(const std::shared_ptr<Run>& run, ScriptForm form, const RedisReply& reply);
  void note_errors(const RedisReply& reply);
  void release(const Call& call);
  void put_in_line(std::shared_ptr<const Settlement> settlement);
  void wait_for_a_ride();
  void keep_for_later(std::shared_ptr<const Settlement> settlement);
  void flush_backlog();

  asio::io_context& io_;
  RedisOptions options_;
  std::shared_ptr<MemoryStore> fallback_;
  Log& log_;
  std::shared_ptr<RedisLink> link_;
  std::deque<std::shared_ptr<const Settlement>> backlog_;
  Calls asked_;      // admissions of this turn of the loop; they may be one run
  Settlements due_;  // settlements that wait for an admission to ride on; they may be one run
  StopWatch::time_point due_since_;
  net::Timer due_timer_;
  bool due_timer_runs_ = false;
  std::set<Uuid> crowded_;  // calls of a scope that is short of slots: their settlements do not wait
  RedisStats stats_;
  std::string last_error_;
};

// Whoever leaves without taking the answer must not leave a slot behind.
class Core::Waiting {
 public:
  Waiting(Core& core, Call& call) : core_(core), call_(call) {}
  ~Waiting() {
    if (taken_) return;
    call_.abandoned = true;
    if (call_.answered) core_.release(call_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  void take() { taken_ = true; }

 private:
  Core& core_;
  Call& call_;
  bool taken_ = false;
};

net::Task<Verdict> Core::admit(std::shared_ptr<Core> self, AdmitRequest request) {
  if (request.scopes.empty()) co_return Verdict{};
  ++self->stats_.calls;
  // An id that was let in locally stays local, or its slot would be taken twice.
  if (!self->link_->usable() || self->answers_locally(request.id, request.scopes))
    co_return self->without_store(request);

  const std::int64_t tokens = clip_reservation(request.tokens, request.scopes);
  const auto call = std::make_shared<Call>(self->io_, std::move(request), tokens);
  Waiting waiting(*self, *call);
  call->timer.expires_after(self->options_.timeout);
  self->ask(call);
  boost::system::error_code woken;
  if (!call->answered) co_await call->timer.async_wait(asio::redirect_error(net::use_task, woken));

  if (!call->answered) {
    if (!woken) {
      ++self->stats_.timeouts;
      self->link_->note_timeout();
      co_return self->without_store(call->request);
    }
    co_return Verdict{
        Denial{{}, Meter::requests_per_minute, 0, 1, kConcurrencyHint, true}, {}, {}, true};  // the caller left
  }
  std::optional<Verdict> verdict = self->judge(*call);
  if (!verdict) co_return self->without_store(call->request);
  waiting.take();
  co_return *std::move(verdict);
}

std::optional<Verdict> Core::judge(const Call& call) {
  const Scopes& scopes = call.request.scopes;
  const std::optional<Admission>& admission = call.admission;
  if (!admission) return std::nullopt;
  Verdict verdict;
  if (!admission->admitted) {
    verdict.denial = find_denial(scopes, admission->readings, call.tokens, admission->now);
    if (!verdict.denial) return std::nullopt;  // not our script's arithmetic
  }
  describe_levels(verdict, scopes, admission->readings, admission->now);
  if (admission->admitted && crowded(scopes, admission->readings)) crowded_.insert(call.request.id);
  return verdict;
}

Verdict Core::without_store(const AdmitRequest& request) {
  ++stats_.degraded_decisions;
  Verdict verdict;
  switch (options_.on_loss) {
    case OnStoreLoss::open:
      break;
    case OnStoreLoss::closed:
      verdict.denial = Denial{request.scopes.front()->key, Meter::requests_per_minute, 0, 1, kConcurrencyHint, true};
      break;
    case OnStoreLoss::local_share: {
      AdmitRequest shared = request;
      shared.scopes = local_share(shared.scopes, options_.replicas);
      verdict = fallback_->admit(shared);
      break;
    }
  }
  verdict.degraded = true;
  return verdict;
}

// Admissions of one turn of the loop are one run of the script: under load it is most of what Redis costs.
void Core::ask(std::shared_ptr<Call> call) {
  if (asked_.size() == kMostTogether || !fits(asked_, call->request.id, call->request.scopes)) send_asked();
  asked_.push_back(std::move(call));
  if (asked_.size() > 1) return;
  asio::post(io_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->send_asked();
  });
}

// With what waits for a ride, unless some of that has to come first.
void Core::send_asked() {
  std::erase_if(asked_, [](const auto& call) { return call->abandoned; });
  if (asked_.empty()) return;
  const bool ride = std::all_of(asked_.begin(), asked_.end(), [this](const auto& call) {
    return fits(due_, call->request.id, call->request.scopes);
  });
  if (!ride) send_due();
  send(std::make_shared<Run>(Run{std::exchange(due_, {}), std::exchange(asked_, {})}), ScriptForm::hash);
}

void Core::send_due() {
  if (due_.empty()) return;
  const auto run = std::make_shared<Run>(Run{std::exchange(due_, {}), {}});
  if (link_->usable()) return send(run, ScriptForm::hash);
  for (auto& settlement : run->settlements) keep_for_later(std::move(settlement));
}

std::vector<Asked> asked_of(const Calls& calls) {
  std::vector<Asked> asked;
  asked.reserve(calls.size());
  for (const auto& call : calls) asked.push_back({&call->request, call->tokens});
  return asked;
}

void Core::send(std::shared_ptr<Run> run, ScriptForm form) {
  if (run->settlements.empty() && run->calls.empty()) return;
  const std::vector<Asked> asked = asked_of(run->calls);
  const std::string command = script_command(options_.prefix, {run->settlements, asked}, form);
  link_->send(command, [self = shared_from_this(), run = std::move(run), form](const RedisReply& reply) {
    self->on_reply(run, form, reply);
  });
}

void Core::on_reply(const std::shared_ptr<Run>& run, ScriptForm form, const RedisReply& reply) {
  if (script_unknown(reply) && form == ScriptForm::hash) {
    std::erase_if(run->calls, [](const auto& call) { return call->abandoned; });
    return send(run, ScriptForm::source);
  }
  note_errors(reply);
  const bool lost = reply.kind == RedisReply::Kind::lost;
  if (lost)
    for (auto& settlement : std::exchange(run->settlements, {})) keep_for_later(std::move(settlement));
  if (run->calls.empty()) return;
  auto admissions = parse_admissions(reply, asked_of(run->calls));
  for (std::size_t i = 0; i < run->calls.size(); ++i) {
    Call& call = *run->calls[i];
    call.answered = true;
    call.lost = lost;
    if (admissions) call.admission = std::move((*admissions)[i]);
    if (call.abandoned) {
      release(call);
    } else {
      call.timer.cancel();
    }
  }
}

// An error from a server that is there (OOM, READONLY, BUSY, LOADING, ...): said once until it works again. Only the
// code: the text may quote a command.
void Core::note_errors(const RedisReply& reply) {
  if (reply.kind == RedisReply::Kind::lost) return;
  const bool failed = reply.kind == RedisReply::Kind::error;
  const std::string code = failed ? reply.text.substr(0, reply.text.find(' ')) : std::string();
  if (failed && code != last_error_) {
    log_.write(LogLevel::warning, "limits_store_error", "Redis refuses the limits script",
               {{"code", std::string_view(code)}});
  }
  last_error_ = code;
}

// The answer came too late, or will never come and may have been yes: give back what it may hold. Where nothing is held
// the script does nothing.
void Core::release(const Call& call) {
  const bool let_in = call.admission && call.admission->admitted;
  if (!call.lost && !let_in) return;
  put_in_line(std::make_shared<Settlement>(Settlement{call.request.id, call.request.scopes, call.tokens, 0}));
  send_due();
}

void Core::settle(Settlement settlement) {
  if (settlement.scopes.empty()) return;
  if (answers_locally(settlement.id, settlement.scopes)) {
    settlement.scopes = local_share(settlement.scopes, options_.replicas);
    settlement.reserved_tokens = clip_reservation(settlement.reserved_tokens, settlement.scopes);
    fallback_->settle(settlement);
    return;
  }
  const bool waited_for = crowded_.erase(settlement.id) > 0;
  put_in_line(std::make_shared<Settlement>(std::move(settlement)));
  if (waited_for) return send_due();
  wait_for_a_ride();
}

// Sends first what cannot be in one batch with it.
void Core::put_in_line(std::shared_ptr<const Settlement> settlement) {
  if (due_.size() == kMostTogether || !fits(due_, settlement->id, settlement->scopes)) send_due();
  if (due_.empty()) due_since_ = StopWatch::now();
  due_.push_back(std::move(settlement));
}

// The timer is left alone when its settlements find a ride: while calls come and go it rings once in kRideWait.
void Core::wait_for_a_ride() {
  if (due_timer_runs_) return;
  due_timer_runs_ = true;
  due_timer_.expires_at(due_since_ + kRideWait);
  due_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self) return;
    self->due_timer_runs_ = false;
    if (self->due_.empty()) return;
    if (StopWatch::now() < self->due_since_ + kRideWait) return self->wait_for_a_ride();
    self->send_due();
  });
}

// Sending it twice is harmless: the second finds no reservation.
void Core::keep_for_later(std::shared_ptr<const Settlement> settlement) {
  if (backlog_.size() == kMaxBacklog) {
    backlog_.pop_front();  // its lease runs out by itself
    ++stats_.dropped_settlements;
  }
  backlog_.push_back(std::move(settlement));
}

void Core::flush_backlog() {
  for (auto& settlement : std::exchange(backlog_, {})) put_in_line(std::move(settlement));
  send_due();
}

RedisStats Core::stats() const {
  RedisStats stats = stats_;
  stats.connected = link_->usable();
  stats.reconnects = link_->reconnects();
  return stats;
}

class RedisLimiterImpl final : public RedisLimiter {
 public:
  explicit RedisLimiterImpl(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~RedisLimiterImpl() override { core_->stop(); }
  RedisLimiterImpl(const RedisLimiterImpl&) = delete;
  RedisLimiterImpl& operator=(const RedisLimiterImpl&) = delete;

  net::Task<Verdict> admit(AdmitRequest request) override { return Core::admit(core_, std::move(request)); }
  void settle(Settlement settlement) override { core_->settle(std::move(settlement)); }
  RedisStats stats() const override { return core_->stats(); }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

// Deadlines and pauses run on the loop's own timers and the fallback has its clock already, so `clock` is not used yet.
std::unique_ptr<RedisLimiter> redis_limiter(asio::io_context& io, RedisOptions options,
                                            std::shared_ptr<MemoryStore> fallback, const Clock&, Log& log) {
  if (options.on_loss == OnStoreLoss::local_share && fallback == nullptr) {
    throw std::invalid_argument("redis_limiter: local_share needs a store to fall back to");
  }
  auto core = std::make_shared<Core>(io, std::move(options), std::move(fallback), log);
  core->start();
  return std::make_unique<RedisLimiterImpl>(std::move(core));
}

}  // namespace tollgate::ratelimit
