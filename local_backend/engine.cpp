#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "local_backend/admission.h"
#include "local_backend/api.h"
#include "local_backend/fair_queue.h"
#include "local_backend/load_estimate.h"
#include "local_backend/model.h"
#include "local_backend/sequence.h"

namespace tollgate::local_backend {
namespace {

constexpr int kPrefillRows = 128;       // prompt tokens in one step when nobody waits for a next token
constexpr int kSharedPrefillRows = 32;  // and when somebody does: bounds the pause between two tokens

std::int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

// What callers and the engine thread share. Handles keep it alive: they may outlive the engine.
struct Shared {
  explicit Shared(std::size_t max_queued) : queue(max_queued) {}

  std::mutex mutex;
  std::condition_variable wake;
  FairQueue<std::shared_ptr<Job>> queue;
  EngineStats stats;
  LoadEstimate load;
  bool cancel_pending = false;
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

 private:
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Job> job_;
};

class NoGeneration : public Generation {
 public:
  void cancel() override {}
};

class LocalEngine : public Engine {
 public:
  explicit LocalEngine(const EngineOptions& options)
      : model_(Model::load(options.model_directory)),
        transformer_(model_->spec, model_->weights),
        sampler_(model_->may_be_sampled),
        max_running_(static_cast<std::size_t>(options.max_running)),
        shared_(std::make_shared<Shared>(static_cast<std::size_t>(options.max_queued))),
        seed_key_({std::random_device{}(), std::random_device{}()}) {
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
    out.queued = static_cast<std::int64_t>(shared_->queue.size());
    return out;
  }

  const ModelFacts& facts() const override { return model_->facts; }

 private:
  std::uint64_t fresh_seed();
  std::unique_ptr<Generation> refuse(const GenerateEvent& event, const std::function<void(GenerateEvent)>& sink);

  // The engine thread only:
  void run();
  bool gather();
  void start(const std::shared_ptr<Job>& job);
  void step();
  void plan();
  bool sample(std::span<const float> logits);
  void remove_done();
  void end_all(FailureKind kind, const std::string& message);
  void break_down(const std::string& message);

  std::unique_ptr<const Model> model_;
  Transformer transformer_;
  Sampler sampler_;
  std::size_t max_running_;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::vector<StepRow> rows_;         // this step's tokens
  std::vector<Sequence*> row_owner_;  // for each row
  std::size_t answering_ = 0;         // how many of them belong to answers; the others to prompts
  std::size_t turn_ = 0;              // which of the running prefills first

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
  auto admitted = admit(std::move(request), *model_, fresh_seed());
  if (const auto* refused = std::get_if<GenerateEvent>(&admitted)) return refuse(*refused, sink);
  auto job = std::get<std::shared_ptr<Job>>(std::move(admitted));
  job->sink = sink;
  GenerateEvent refusal;
  {
    const std::scoped_lock lock(shared_->mutex);
    if (!shared_->stats.healthy) {
      refusal = failure(FailureKind::internal, "the local model is not available");
    } else if (!shared_->queue.push(job->department, job)) {
      refusal = failure(FailureKind::overloaded, "the local model's queue is full", "overloaded");
      refusal.retry_after_ms = shared_->load.retry_after_ms();
    }
  }
  if (refusal.kind == GenerateEvent::Kind::failed) return refuse(refusal, sink);
  shared_->wake.notify_one();
  return std::make_unique<Handle>(shared_, std::move(job));
}

void LocalEngine::run() {
  while (gather()) {
    try {
      if (!running_.empty()) step();
    } catch (const std::exception&) {
      break_down("the local model failed");
    }
    remove_done();
  }
  end_all(FailureKind::cancelled, "the local model is shutting down");
}

// Waits for work, honours cancellations, and starts what there is room for. False when the engine is to end.
bool LocalEngine::gather() {
  std::vector<std::shared_ptr<Job>> cancelled;
  std::vector<std::shared_ptr<Job>> admitted;
  {
    std::unique_lock lock(shared_->mutex);
    shared_->wake.wait(lock, [this] {
      return shared_->stopping || shared_->cancel_pending || !running_.empty() || shared_->queue.size() > 0;
    });
    if (shared_->stopping) return false;
    if (shared_->cancel_pending) {
      shared_->cancel_pending = false;
      cancelled = shared_->queue.take_if([](const auto& job) { return job->cancelled.load(); });
    }
    while (running_.size() + admitted.size() < max_running_) {
      auto job = shared_->queue.pop();
      if (!job) break;
      admitted.push_back(std::move(*job));
    }
    shared_->stats.running = static_cast<std::int64_t>(running_.size() + admitted.size());
  }
  for (const auto& job : cancelled) report_end(*job, failure(FailureKind::cancelled, "cancelled"));
  for (const auto& job : admitted) start(job);
  for (const auto& sequence : running_) {
    if (sequence->cancelled()) sequence->fail(FailureKind::cancelled, "cancelled");
  }
  remove_done();
  return true;
}

void LocalEngine::start(const std::shared_ptr<Job>& job) {
  try {
    running_.push_back(std::make_unique<Sequence>(job, *model_));
  } catch (const std::bad_alloc&) {
    report_end(*job, failure(FailureKind::internal, "not enough memory for the request"));
  }
}

// Every sequence that answers gets its next token; what is left of the step goes to prompts, in turn.
void LocalEngine::plan() {
  rows_.clear();
  row_owner_.clear();
  for (const auto& sequence : running_) {
    if (!sequence->prefilling()) sequence->add_rows(rows_, 1);
    row_owner_.resize(rows_.size(), sequence.get());
  }
  answering_ = rows_.size();
  int budget = rows_.empty() ? kPrefillRows : kSharedPrefillRows;
  ++turn_;
  for (std::size_t i = 0; i < running_.size() && budget > 0; ++i) {
    Sequence& sequence = *running_[(turn_ + i) % running_.size()];
    if (!sequence.prefilling()) continue;
    budget -= sequence.add_rows(rows_, budget);
    row_owner_.resize(rows_.size(), &sequence);
  }
}

void LocalEngine::step() {
  const std::int64_t begin = now_ns();
  plan();
  const std::span<const float> logits = transformer_.step(rows_);
  const std::int64_t share = (now_ns() - begin) / static_cast<std::int64_t>(rows_.size());
  for (Sequence* owner : row_owner_) owner->charge(share);
  const bool sound = sample(logits);
  const std::int64_t elapsed = now_ns() - begin;
  const auto sampled = std::count_if(rows_.begin(), rows_.end(), [](const StepRow& row) { return row.wants_logits; });
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->stats.generated_tokens += sampled;
    shared_->stats.prompt_tokens += static_cast<std::int64_t>(rows_.size() - answering_);
    ++shared_->stats.steps;
    shared_->stats.busy_us += elapsed / 1000;
    shared_->load.observe_step(static_cast<std::int64_t>(rows_.size()), elapsed);
  }
  if (!sound) break_down("the local model computed a value that is not finite");
}

bool LocalEngine::sample(std::span<const float> logits) {
  const auto vocabulary = static_cast<std::size_t>(model_->spec.vocabulary);
  for (std::size_t i = 0, at = 0; i < rows_.size(); ++i) {
    if (!rows_[i].wants_logits) continue;
    Sequence& sequence = *row_owner_[i];
    const int token = sampler_.choose(logits.subspan(at, vocabulary), sequence.rule(), sequence.next_position());
    if (token < 0) return false;
    sequence.accept(token);
    at += vocabulary;
  }
  return true;
}

void LocalEngine::remove_done() {
  const std::scoped_lock lock(shared_->mutex);
  std::erase_if(running_, [this](const auto& sequence) {
    if (sequence->done()) shared_->load.observe_request(sequence->tokens());
    return sequence->done();
  });
  shared_->stats.running = static_cast<std::int64_t>(running_.size());
}

// What went wrong once would go wrong again: the engine takes nothing more, and says so.
void LocalEngine::break_down(const std::string& message) {
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->stats.healthy = false;
  }
  end_all(FailureKind::internal, message);
}

void LocalEngine::end_all(FailureKind kind, const std::string& message) {
  for (const auto& sequence : running_) {
    if (!sequence->done()) sequence->fail(kind, message);
  }
  std::vector<std::shared_ptr<Job>> waiting;
  {
    const std::scoped_lock lock(shared_->mutex);
    waiting = shared_->queue.take_if([](const auto&) { return true; });
  }
  for (const auto& job : waiting) report_end(*job, failure(kind, message));
}

}  // namespace

std::unique_ptr<Engine> Engine::load(const EngineOptions& options) {
  if (options.max_running < 1 || options.max_running > 256) {
    throw std::runtime_error("max_running must be from 1 to 256");
  }
  if (options.max_queued < 0) throw std::runtime_error("max_queued must not be negative");
  return std::make_unique<LocalEngine>(options);
}

}  // namespace tollgate::local_backend
