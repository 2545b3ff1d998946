#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

#include "local_backend/admission.h"
#include "local_backend/api.h"
#include "local_backend/computation.h"
#include "local_backend/fair_queue.h"
#include "local_backend/load_estimate.h"
#include "local_backend/model.h"
#include "local_backend/process_engine.h"
#include "local_backend/scheduler.h"
#include "local_backend/sequence.h"

namespace tollgate::local_backend {
namespace {

// A flood of one department leaves room for the others.
std::size_t department_limit(const EngineOptions& options) {
  const int limit = options.max_queued_per_department;
  return static_cast<std::size_t>(limit > 0 ? limit : (options.max_queued + 1) / 2);
}

std::int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

// What callers and the engine thread share. Handles keep it alive: they may outlive the engine.
struct Shared {
  Shared(std::size_t max_queued, std::size_t per_department) : queue(max_queued, per_department) {}

  std::mutex mutex;
  std::condition_variable wake;
  FairQueue<Turn> queue;
  EngineStats stats;
  LoadEstimate load;
  bool cancel_pending = false;
  bool readers_caught_up = false;
  bool stopping = false;
};

class Handle : public Generation {
 public:
  Handle(std::shared_ptr<Shared> shared, std::shared_ptr<Job> job) : shared_(std::move(shared)), job_(std::move(job)) {}
  ~Handle() override { Handle::cancel(); }

  void cancel() override {
    if (job_->cancelled.exchange(true)) return;
    {
      const std::scoped_lock lock(shared_->mutex);
      shared_->cancel_pending = true;
    }
    shared_->wake.notify_one();
  }

  void read(int events) override {
    const int before = job_->unread.fetch_sub(events);
    if (job_->most_unread == 0 || before < job_->most_unread) return;
    {
      const std::scoped_lock lock(shared_->mutex);
      shared_->readers_caught_up = true;
    }
    shared_->wake.notify_one();
  }

 private:
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Job> job_;
};

class LocalEngine : public Engine {
 public:
  explicit LocalEngine(const EngineOptions& options)
      : model_(Model::load(options.model_directory, options.weights)),
        facts_(model_->facts),
        computation_(choose_computation(options, *model_)),
        sampler_(model_->may_be_sampled),
        pool_(model_->spec, computation_.kv_blocks, options.kv_block_tokens, computation_.kv_memory),
        scheduler_(*model_, pool_, static_cast<std::size_t>(options.max_running), computation_.pass->prefill_rows()),
        shared_(std::make_shared<Shared>(static_cast<std::size_t>(options.max_queued), department_limit(options))),
        seed_key_({std::random_device{}(), std::random_device{}()}) {
    const auto room = std::int64_t{pool_.blocks().total()} * options.kv_block_tokens;
    facts_.device = computation_.device;
    facts_.why_cpu = computation_.why_cpu;
    facts_.cpu_kernels = computation_.cpu_kernels;
    facts_.context_length = std::min<std::int64_t>(model_->spec.context, room);
    shared_->stats.kv_blocks = pool_.blocks().total();
    thread_ = std::thread([this] { run(); });
  }

  ~LocalEngine() override {
    {
      const std::scoped_lock lock(shared_->mutex);
      shared_->stopping = true;
    }
    shared_->wake.notify_one();
    thread_.join();
  }

  std::unique_ptr<Generation> generate(GenerateRequest request, std::function<void(GenerateEvent)> sink) override;

  EngineStats stats() const override {
    const std::scoped_lock lock(shared_->mutex);
    EngineStats out = shared_->stats;
    out.queued += static_cast<std::int64_t>(shared_->queue.size());
    return out;
  }

  const ModelFacts& facts() const override { return facts_; }

 private:
  std::uint64_t fresh_seed();
  std::unique_ptr<Generation> refuse(const GenerateEvent& event, const std::function<void(GenerateEvent)>& sink);

  // The engine thread only:
  void run();
  bool gather();
  std::optional<Turn> next_turn();
  void step();
  void queue_other_choices(const Sequence& sequence);
  bool sample(const StepPlan& plan, std::span<const float> logits);
  bool pool(const StepPlan& plan);
  void sweep();
  void end_running(FailureKind kind, std::string_view message) noexcept;
  void end_all(FailureKind kind, std::string_view message) noexcept;
  void break_down(std::string_view message, std::string_view detail = {}) noexcept;

  std::unique_ptr<Model> model_;
  ModelFacts facts_;
  Computation computation_;
  Sampler sampler_;
  KvPool pool_;
  Scheduler scheduler_;

  std::shared_ptr<Shared> shared_;
  std::array<std::uint32_t, 2> seed_key_;
  std::atomic<std::uint32_t> seeds_drawn_{0};
  std::thread thread_;
};

std::uint64_t LocalEngine::fresh_seed() {
  const auto words = philox({seeds_drawn_.fetch_add(1), 0, 0, 0}, seed_key_);
  return std::uint64_t{words[0]} << 32U | words[1];
}

std::unique_ptr<Generation> LocalEngine::refuse(const GenerateEvent& event,
                                                const std::function<void(GenerateEvent)>& sink) {
  {
    const std::scoped_lock lock(shared_->mutex);
    ++shared_->stats.rejected;
  }
  sink(event);
  return std::make_unique<NoGeneration>();
}

std::unique_ptr<Generation> LocalEngine::generate(GenerateRequest request, std::function<void(GenerateEvent)> sink) {
  if (request.task == Task::embed && !computation_.pass->keeps_hidden())
    return refuse(failure(FailureKind::invalid_request, "the local model makes no embeddings on this device",
                          "unsupported_api", "model"),
                  sink);
  auto admitted = admit(std::move(request), *model_, static_cast<int>(facts_.context_length), fresh_seed());
  if (const auto* refused = std::get_if<GenerateEvent>(&admitted)) return refuse(*refused, sink);
  auto job = std::get<std::shared_ptr<Job>>(std::move(admitted));
  job->sink = sink;
  job->arrived_ns = now_ns();
  auto handle = std::make_unique<Handle>(shared_, job);
  GenerateEvent refusal;
  {
    const std::scoped_lock lock(shared_->mutex);
    if (!shared_->stats.healthy) {
      refusal = failure(FailureKind::internal, "the local model is not available");
    } else if (!shared_->queue.push(job->department, {job})) {
      refusal = failure(FailureKind::overloaded, "the local model's queue is full", "overloaded");
      // A department gets a place each time that all those who wait have had their turn.
      refusal.retry_after_ms = shared_->load.retry_after_ms(shared_->queue.departments());
    }
  }
  if (refusal.kind == GenerateEvent::Kind::failed) return refuse(refusal, sink);
  shared_->wake.notify_one();
  return handle;
}

void LocalEngine::run() {
  while (gather()) {
    try {
      step();
    } catch (const std::bad_alloc&) {
      end_running(FailureKind::internal, "not enough memory for the request");
    } catch (const std::exception& error) {
      break_down("the local model failed", error.what());
    }
    sweep();
  }
  end_all(FailureKind::cancelled, "the local model is shutting down");
}

// Waits for work, honours cancellations, and starts what there is room for. False when the engine is to end.
bool LocalEngine::gather() {
  std::list<Turn> cancelled;
  {
    std::unique_lock lock(shared_->mutex);
    const std::int64_t begin = now_ns();
    shared_->wake.wait(lock, [this] {
      return shared_->stopping || shared_->cancel_pending || shared_->readers_caught_up || !scheduler_.idle() ||
             shared_->queue.size() > 0;
    });
    shared_->stats.idle_us += (now_ns() - begin) / 1000;
    shared_->readers_caught_up = false;
    if (shared_->stopping) return false;
    if (std::exchange(shared_->cancel_pending, false))
      cancelled = shared_->queue.take_if([](const Turn& turn) { return turn.job->cancelled.load(); });
  }
  for (const Turn& turn : cancelled) report_failure(*turn.job, FailureKind::cancelled, "cancelled");
  scheduler_.for_each([](Sequence& sequence) {
    if (!sequence.done() && sequence.cancelled()) sequence.fail(FailureKind::cancelled, "cancelled");
  });
  sweep();
  scheduler_.park();
  scheduler_.place();
  while (const auto turn = next_turn()) {
    if (turn->job->sink) scheduler_.add(*turn);  // else another choice has failed
    scheduler_.place();
  }
  sweep();
  return true;
}

std::optional<Turn> LocalEngine::next_turn() {
  if (!scheduler_.wants_more()) return std::nullopt;
  const std::scoped_lock lock(shared_->mutex);
  auto turn = shared_->queue.pop();
  if (turn && turn->choice == 0) shared_->stats.queue_wait.add((now_ns() - turn->job->arrived_ns) / 1000);
  return turn;
}

void LocalEngine::step() {
  const std::int64_t begin = now_ns();
  const StepPlan& plan = scheduler_.plan();
  if (plan.rows.empty()) return;
  const std::span<const float> logits = computation_.pass->step(plan.rows);
  scheduler_.publish();
  const auto rows = static_cast<std::int64_t>(plan.rows.size());
  const std::int64_t share = (now_ns() - begin) / rows;
  for (Sequence* owner : plan.owners) owner->charge(share);
  const bool sound = sample(plan, logits) && pool(plan);
  const std::int64_t elapsed = now_ns() - begin;
  {
    const std::scoped_lock lock(shared_->mutex);
    ++shared_->stats.steps;
    shared_->stats.busy_us += elapsed / 1000;
    shared_->load.observe_step(rows, elapsed);
  }
  if (!sound) break_down("the local model computed a value that is not finite");
}

// Texts that are embedded.
bool LocalEngine::pool(const StepPlan& plan) {
  std::span<const float> hidden = computation_.pass->hidden();
  const auto width = static_cast<std::size_t>(model_->spec.hidden);
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < plan.rows.size(); ++i) {
    Sequence& sequence = *plan.owners[i];
    if (!plan.rows[i].wants_hidden) continue;
    if (!sequence.done() && !sequence.pool(hidden.first(width))) return false;
    if (sequence.done()) tokens += sequence.prompt_tokens();
    hidden = hidden.subspan(width);
  }
  const std::scoped_lock lock(shared_->mutex);
  shared_->stats.prompt_tokens += tokens;
  return true;
}

bool LocalEngine::sample(const StepPlan& plan, std::span<const float> logits) {
  const auto vocabulary = static_cast<std::size_t>(model_->spec.vocabulary);
  EngineStats made;
  const std::int64_t now = now_ns();
  for (std::size_t i = 0; i < plan.rows.size(); ++i) {
    if (!plan.rows[i].wants_logits) continue;
    Sequence& sequence = *plan.owners[i];
    ++made.generated_tokens;
    const bool first = !sequence.answering();
    if (first && sequence.choice() == 0) made.prompt_tokens += sequence.prompt_tokens();
    if (first && sequence.choice() == 0) made.cached_tokens += sequence.cached_tokens();
    try {
      if (!sequence.done() && !sequence.advance(sampler_, logits.first(vocabulary))) return false;
      if (const auto pause = sequence.pause_before(now)) made.next_token.add(*pause / 1000);
      if (first && sequence.choice() == 0) made.first_token.add((now - sequence.job()->arrived_ns) / 1000);
      if (first) queue_other_choices(sequence);
    } catch (const std::bad_alloc&) {
      sequence.fail(FailureKind::internal, "not enough memory for the request");
    }
    logits = logits.subspan(vocabulary);
  }
  const std::scoped_lock lock(shared_->mutex);
  shared_->stats.generated_tokens += made.generated_tokens;
  shared_->stats.prompt_tokens += made.prompt_tokens;
  shared_->stats.cached_tokens += made.cached_tokens;
  shared_->stats.first_token.add(made.first_token);
  shared_->stats.next_token.add(made.next_token);
  return true;
}

// They find the prompt's full blocks in the cache.
void LocalEngine::queue_other_choices(const Sequence& sequence) {
  if (sequence.choice() > 0) return;
  const std::scoped_lock lock(shared_->mutex);
  for (int choice = 1; choice < sequence.job()->choices; ++choice)
    shared_->queue.push_again(sequence.job()->department, {sequence.job(), choice});
}

void LocalEngine::sweep() {
  const std::scoped_lock lock(shared_->mutex);
  scheduler_.for_each([this](const Sequence& sequence) {
    if (sequence.done()) shared_->load.observe_request(sequence.tokens());
  });
  scheduler_.sweep();
  EngineStats& stats = shared_->stats;
  stats.running = static_cast<std::int64_t>(scheduler_.running());
  stats.queued = static_cast<std::int64_t>(scheduler_.waiting());
  stats.preempted = scheduler_.preemptions();
  stats.kv_blocks_used = pool_.blocks().total() - pool_.blocks().unused();
}

// What went wrong once would go wrong again: the engine takes nothing more, and says so. The detail is for operators,
// not for callers.
void LocalEngine::break_down(std::string_view message, std::string_view detail) noexcept {
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->stats.healthy = false;
    shared_->stats.problem = detail.empty() ? message : detail;
  }
  end_all(FailureKind::internal, message);
}

void LocalEngine::end_running(FailureKind kind, std::string_view message) noexcept {
  scheduler_.for_each([&](Sequence& sequence) {
    if (!sequence.done()) sequence.fail(kind, message);
  });
}

void LocalEngine::end_all(FailureKind kind, std::string_view message) noexcept {
  end_running(kind, message);
  std::list<Turn> waiting;
  {
    const std::scoped_lock lock(shared_->mutex);
    waiting = shared_->queue.take_if([](const auto&) { return true; });
  }
  for (const Turn& turn : waiting) report_failure(*turn.job, kind, message);
}

}  // namespace

std::unique_ptr<Engine> Engine::load(const EngineOptions& options) {
  if (options.isolation == Isolation::process) return start_process_engine(options);
  if (options.max_running < 1 || options.max_running > 256) {
    throw std::runtime_error("max_running must be from 1 to 256");
  }
  if (options.kv_block_tokens < 1) throw std::runtime_error("kv_block_tokens must be above 0");
  if (options.max_queued < 0) throw std::runtime_error("max_queued must not be negative");
  return std::make_unique<LocalEngine>(options);
}

}  // namespace tollgate::local_backend
