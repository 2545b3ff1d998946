#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <deque>
#include <stdexcept>

#include "ratelimit/memory_store.h"
#include "ratelimit/redis_link.h"
#include "ratelimit/redis_script.h"

namespace tollgate::ratelimit {
namespace {

namespace asio = net::asio;

constexpr std::size_t kMaxBacklog = 10'000;  // settlements kept for Redis while it is away

Scopes local_share(const Scopes& scopes, int replicas) {
  Scopes shares;
  for (const auto& scope : scopes) shares.push_back(share_of(*scope, replicas));
  return shares;
}

// One admit under way. Its reply may come after the caller has left.
struct Call {
  Call(asio::io_context& io, AdmitRequest asked, std::int64_t reserved)
      : timer(io), request(std::move(asked)), tokens(reserved) {}
  net::Timer timer;  // deadline and wake-up in one
  AdmitRequest request;
  std::int64_t tokens;
  std::optional<RedisReply> reply;
  bool abandoned = false;
};

// Everything but the interface: coroutines hold it, so that a limiter destroyed under a waiting call harms nobody.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& io, RedisOptions options, std::shared_ptr<MemoryStore> fallback, Log& log)
      : io_(io), options_(std::move(options)), fallback_(std::move(fallback)), log_(log) {}

  void start() {
    link_ = RedisLink::start(io_, options_, [this] { flush_backlog(); }, log_);
  }
  void stop() { link_->close(); }

  static net::Task<Verdict> admit(std::shared_ptr<Core> self, AdmitRequest request);
  void settle(Settlement settlement);
  RedisStats stats() const;

 private:
  class Waiting;
  bool answers_locally(const Uuid& id, const Scopes& scopes) const {
    return fallback_ != nullptr && fallback_->holds(id, scopes);
  }
  Verdict without_store(const AdmitRequest& request);
  std::optional<Verdict> judge(const Call& call) const;
  void send_admit(const std::shared_ptr<Call>& call, ScriptForm form);
  void on_admit_reply(const std::shared_ptr<Call>& call, ScriptForm form, RedisReply reply);
  void note_errors(const RedisReply& reply);
  void release(const Call& call);
  void send_settle(const std::shared_ptr<const Settlement>& settlement, ScriptForm form);
  void keep_for_later(std::shared_ptr<const Settlement> settlement);
  void flush_backlog();

  asio::io_context& io_;
  RedisOptions options_;
  std::shared_ptr<MemoryStore> fallback_;
  Log& log_;
  std::shared_ptr<RedisLink> link_;
  std::deque<std::shared_ptr<const Settlement>> backlog_;
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
    if (call_.reply) core_.release(call_);
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
  self->send_admit(call, ScriptForm::hash);
  boost::system::error_code woken;
  if (!call->reply) co_await call->timer.async_wait(asio::redirect_error(net::use_task, woken));

  if (!call->reply) {
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

std::optional<Verdict> Core::judge(const Call& call) const {
  const Scopes& scopes = call.request.scopes;
  const std::optional<Admission> admission = parse_admission(*call.reply, scopes, call.tokens);
  if (!admission) return std::nullopt;
  Verdict verdict;
  if (!admission->admitted) {
    verdict.denial = find_denial(scopes, admission->readings, call.tokens, admission->now);
    if (!verdict.denial) return std::nullopt;  // not our script's arithmetic
  }
  describe_levels(verdict, scopes, admission->readings, admission->now);
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

void Core::send_admit(const std::shared_ptr<Call>& call, ScriptForm form) {
  link_->send(admit_command(options_.prefix, call->request, call->tokens, form),
              [self = shared_from_this(), call, form](RedisReply reply) {
                self->on_admit_reply(call, form, std::move(reply));
              });
}

void Core::on_admit_reply(const std::shared_ptr<Call>& call, ScriptForm form, RedisReply reply) {
  if (script_unknown(reply) && form == ScriptForm::hash) {
    if (!call->abandoned) send_admit(call, ScriptForm::source);
    return;
  }
  note_errors(reply);
  call->reply = std::move(reply);
  if (call->abandoned) return release(*call);
  call->timer.cancel();
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
  const auto admission = parse_admission(*call.reply, call.request.scopes, call.tokens);
  if (call.reply->kind != RedisReply::Kind::lost && (!admission || !admission->admitted)) return;
  send_settle(std::make_shared<Settlement>(Settlement{call.request.id, call.request.scopes, call.tokens, 0}),
              ScriptForm::hash);
}

void Core::settle(Settlement settlement) {
  if (settlement.scopes.empty()) return;
  if (answers_locally(settlement.id, settlement.scopes)) {
    settlement.scopes = local_share(settlement.scopes, options_.replicas);
    settlement.reserved_tokens = clip_reservation(settlement.reserved_tokens, settlement.scopes);
    fallback_->settle(settlement);
    return;
  }
  send_settle(std::make_shared<Settlement>(std::move(settlement)), ScriptForm::hash);
}

void Core::send_settle(const std::shared_ptr<const Settlement>& settlement, ScriptForm form) {
  if (!link_->usable()) return keep_for_later(settlement);
  link_->send(settle_command(options_.prefix, *settlement, form),
              [self = shared_from_this(), settlement, form](const RedisReply& reply) {
                if (reply.kind == RedisReply::Kind::lost) self->keep_for_later(settlement);
                if (script_unknown(reply) && form == ScriptForm::hash)
                  self->send_settle(settlement, ScriptForm::source);
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
  const auto waiting = std::exchange(backlog_, {});
  for (const auto& settlement : waiting) send_settle(settlement, ScriptForm::hash);
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
