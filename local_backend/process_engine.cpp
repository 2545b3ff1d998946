#include "local_backend/process_engine.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "local_backend/admission.h"
#include "local_backend/child_process.h"
#include "local_backend/wire.h"

namespace tollgate::local_backend {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using wire::Frame;

constexpr milliseconds kLook{250};        // how often life and progress are judged
constexpr milliseconds kSilence{10'000};  // it speaks five times a second
constexpr milliseconds kStuck{60'000};    // no step is that long
constexpr milliseconds kFirstPause{500};  // before it is started again
constexpr milliseconds kLongestPause{30'000};
constexpr milliseconds kLongLife{60'000};   // who lived that long starts with a short pause again
constexpr milliseconds kRetryAfter{1'000};  // for who is refused meanwhile
constexpr const char* kEnded = "its process ended";
constexpr const char* kGarbled = "its process said what cannot be understood";

template <class T>
T understood(const Frame& frame) {
  auto value = wire::from_bytes<T>(frame.payload);
  if (!value) throw std::runtime_error(kGarbled);
  return *std::move(value);
}

using Sink = std::function<void(GenerateEvent)>;

// What callers and the thread that speaks with the child share. Handles keep it alive: they may outlive the engine.
struct Shared {
  struct Running {
    Sink sink;
    int choices_left;
  };

  Shared() : wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (wake.get() < 0) throw system_failure("eventfd");
  }

  // REQUIRES: the mutex is held
  void say(const Frame& frame) {
    outbox += wire::to_bytes(frame);
    rouse();
  }
  void rouse() const {
    const std::uint64_t one = 1;
    (void)!::write(wake.get(), &one, sizeof one);
  }

  Descriptor wake;
  std::mutex mutex;
  bool ready = false;  // the model is loaded
  bool stopping = false;
  std::string outbox;
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, Running> running;
  EngineStats stats;
};

class Handle : public Generation {
 public:
  Handle(std::shared_ptr<Shared> shared, std::uint64_t id) : shared_(std::move(shared)), id_(id) {}
  ~Handle() override { Handle::cancel(); }
  void cancel() override {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->running.contains(id_)) shared_->say({Frame::Kind::cancel, id_, {}});
  }
  void read(int events) override {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->running.contains(id_)) shared_->say({Frame::Kind::read, id_, wire::to_bytes(events)});
  }

 private:
  std::shared_ptr<Shared> shared_;
  std::uint64_t id_;
};

class ProcessEngine : public Engine {
 public:
  explicit ProcessEngine(EngineOptions options) : options_(std::move(options)) {
    auto loaded = loaded_.get_future();
    thread_ = std::jthread([this] { run(); });
    facts_ = loaded.get();
  }

  ~ProcessEngine() override {
    const std::scoped_lock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->rouse();
  }

  std::unique_ptr<Generation> generate(GenerateRequest request, Sink sink) override;

  EngineStats stats() const override {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->stats;
  }
  const ModelFacts& facts() const override { return facts_; }

 private:
  // The thread that speaks with the child; it starts it too, because a child dies with the thread that started it.
  void run() noexcept;
  void live(const Child& child);
  void pause(milliseconds length) const;
  bool stopping() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->stopping;
  }
  // Of `live`; they throw why the child is of no more use.
  void exchange(const Child& child, wire::FrameReader& reader);
  void write_some(const Child& child);
  void read_some(const Child& child, wire::FrameReader& reader);
  void handle(const Frame& frame);
  void take_loaded(const Frame& frame);
  void take_event(const Frame& frame);
  void take_stats(const Frame& frame);
  void demand_progress();
  void fail_all(std::string why) noexcept;

  EngineOptions options_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::promise<ModelFacts> loaded_;
  ModelFacts facts_;
  bool loaded_once_ = false;
  Clock::time_point heard_;
  Clock::time_point stepped_;
  std::int64_t steps_ = 0;
  std::jthread thread_;
};

std::unique_ptr<Generation> ProcessEngine::generate(GenerateRequest request, Sink sink) {
  const int choices = std::max(1, request.sampling.n);
  std::string payload = wire::to_bytes(std::move(request));
  const char* refusal = nullptr;
  {
    const std::scoped_lock lock(shared_->mutex);
    if (!shared_->ready)
      refusal = "the local model is starting again";
    else if (shared_->outbox.size() + payload.size() > wire::kMostPayload)
      refusal = "the local model's queue is full";
    if (refusal == nullptr) {
      const std::uint64_t id = ++shared_->last_id;
      shared_->running[id] = {std::move(sink), choices};
      shared_->say({Frame::Kind::generate, id, std::move(payload)});
      return std::make_unique<Handle>(shared_, id);
    }
    ++shared_->stats.rejected;
  }
  GenerateEvent refused = failure(FailureKind::overloaded, refusal);
  refused.retry_after_ms = kRetryAfter.count();
  sink(std::move(refused));
  return std::make_unique<NoGeneration>();
}

void ProcessEngine::run() noexcept {
  milliseconds length = kFirstPause;
  while (!stopping()) {
    const auto began = Clock::now();
    std::string why;
    try {
      const Child child(options_.worker_command);
      live(child);
    } catch (const std::exception& failure) {
      why = failure.what();
    }
    if (!loaded_once_) return loaded_.set_exception(std::make_exception_ptr(std::runtime_error(why)));
    fail_all(std::move(why));
    if (Clock::now() - began > kLongLife) length = kFirstPause;
    pause(length);
    length = std::min(2 * length, kLongestPause);
  }
}

void ProcessEngine::live(const Child& child) {
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->outbox.clear();
    shared_->say({Frame::Kind::load, 0, wire::to_bytes(options_)});
  }
  heard_ = stepped_ = Clock::now();
  wire::FrameReader reader;
  while (!stopping()) exchange(child, reader);
}

void ProcessEngine::pause(milliseconds length) const {
  const auto until = Clock::now() + length;
  while (!stopping() && Clock::now() < until) std::this_thread::sleep_for(milliseconds(20));
}

void ProcessEngine::exchange(const Child& child, wire::FrameReader& reader) {
  bool to_write = false;
  {
    const std::scoped_lock lock(shared_->mutex);
    to_write = !shared_->outbox.empty();
  }
  std::array<pollfd, 2> polled{{{child.socket(), static_cast<short>(to_write ? POLLIN | POLLOUT : POLLIN), 0},
                                {shared_->wake.get(), POLLIN, 0}}};
  (void)::poll(polled.data(), polled.size(), static_cast<int>(kLook.count()));
  std::uint64_t roused = 0;
  (void)!::read(shared_->wake.get(), &roused, sizeof roused);
  write_some(child);
  if ((polled[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_some(child, reader);
  demand_progress();
}

void ProcessEngine::write_some(const Child& child) {
  const std::scoped_lock lock(shared_->mutex);
  std::string& outbox = shared_->outbox;
  if (outbox.empty()) return;
  const auto n = ::send(child.socket(), outbox.data(), outbox.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) throw std::runtime_error(kEnded);
  if (n > 0) outbox.erase(0, static_cast<std::size_t>(n));
}

void ProcessEngine::read_some(const Child& child, wire::FrameReader& reader) {
  std::array<char, 65536> bytes;
  const auto n = ::recv(child.socket(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) throw std::runtime_error(kEnded);
  heard_ = Clock::now();
  reader.add({bytes.data(), static_cast<std::size_t>(n)});
  while (const auto frame = reader.next()) handle(*frame);
  if (reader.broken()) throw std::runtime_error(kGarbled);
}

void ProcessEngine::handle(const Frame& frame) {
  switch (frame.kind) {
    case Frame::Kind::loaded:
      return take_loaded(frame);
    case Frame::Kind::not_loaded:
      throw std::runtime_error(frame.payload);
    case Frame::Kind::event:
      return take_event(frame);
    case Frame::Kind::stats:
      return take_stats(frame);
    default:
      throw std::runtime_error(kGarbled);  // what only we say
  }
}

void ProcessEngine::take_loaded(const Frame& frame) {
  ModelFacts facts = understood<ModelFacts>(frame);
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->ready = true;
    shared_->stats.healthy = true;
  }
  if (!std::exchange(loaded_once_, true)) loaded_.set_value(std::move(facts));
}

void ProcessEngine::take_event(const Frame& frame) {
  GenerateEvent event = understood<GenerateEvent>(frame);
  Sink sink;
  {
    const std::scoped_lock lock(shared_->mutex);
    const auto found = shared_->running.find(frame.id);
    if (found == shared_->running.end()) return;
    const bool last = wire::is_last(event, found->second.choices_left);
    sink = last ? std::move(found->second.sink) : found->second.sink;
    if (last) shared_->running.erase(found);
  }
  sink(std::move(event));
}

// A new process counts from nothing.
void ProcessEngine::take_stats(const Frame& frame) {
  EngineStats stats = understood<EngineStats>(frame);
  const std::scoped_lock lock(shared_->mutex);
  stats.restarts = shared_->stats.restarts;
  shared_->stats = std::move(stats);
}

// A model that loads may take its time; one that is loaded speaks, and steps while it has something to do.
void ProcessEngine::demand_progress() {
  const auto now = Clock::now();
  const std::scoped_lock lock(shared_->mutex);
  if (!shared_->ready) return;
  if (shared_->stats.running == 0 || std::exchange(steps_, shared_->stats.steps) != shared_->stats.steps)
    stepped_ = now;
  if (now - heard_ > kSilence) throw std::runtime_error("its process fell silent");
  if (now - stepped_ > kStuck) throw std::runtime_error("one step took longer than a minute");
}

void ProcessEngine::fail_all(std::string why) noexcept {
  std::map<std::uint64_t, Shared::Running> running;
  {
    const std::scoped_lock lock(shared_->mutex);
    running.swap(shared_->running);
    shared_->outbox.clear();
    if (std::exchange(shared_->ready, false)) ++shared_->stats.restarts;
    shared_->stats.healthy = false;
    shared_->stats.problem = std::move(why);
    shared_->stats.running = shared_->stats.queued = 0;
  }
  for (const auto& [id, one] : running) one.sink(failure(FailureKind::internal, "the local model's process ended"));
}

}  // namespace

std::unique_ptr<Engine> start_process_engine(const EngineOptions& options) {
  return std::make_unique<ProcessEngine>(options);
}

}  // namespace tollgate::local_backend
