#include "local_backend/worker.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "local_backend/wire.h"

namespace tollgate::local_backend {
namespace {

using wire::Frame;

// Also the sign of life: a parent that hears nothing for a while ends this process.
constexpr std::chrono::milliseconds kStatsPeriod{200};

class Outlet {
 public:
  explicit Outlet(int socket) : socket_(socket) {}

  // Whole frames, whoever calls. Waits where the parent is slow; a parent that is gone is noticed by who reads.
  void send(const Frame& frame) {
    const std::string bytes = wire::to_bytes(frame);
    const std::scoped_lock lock(mutex_);
    for (std::size_t sent = 0; sent < bytes.size();) {
      const auto n = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  }

 private:
  int socket_;
  std::mutex mutex_;
};

class Worker {
 public:
  explicit Worker(int socket) : socket_(socket), outlet_(socket) {}

  int run() {
    const auto first = receive();
    if (!first || first->kind != Frame::Kind::load || !load(first->payload)) return 1;
    std::jthread reporter([this](const std::stop_token& stop) { report(stop); });
    while (const auto frame = receive()) handle(*frame);
    generations_.clear();
    return 0;
  }

 private:
  // nullopt: the parent has gone, or what it says is not understood.
  std::optional<Frame> receive() {
    while (true) {
      if (auto frame = reader_.next()) return frame;
      if (reader_.broken()) return std::nullopt;
      std::array<char, 65536> bytes;
      const auto n = ::recv(socket_, bytes.data(), bytes.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return std::nullopt;
      reader_.add({bytes.data(), static_cast<std::size_t>(n)});
    }
  }

  bool load(const std::string& payload) {
    auto options = wire::from_bytes<EngineOptions>(payload);
    if (!options) return false;
    options->isolation = Isolation::thread;  // this is the process
    try {
      engine_ = Engine::load(*options);
    } catch (const std::exception& why) {
      outlet_.send({Frame::Kind::not_loaded, 0, why.what()});
      return false;
    }
    outlet_.send({Frame::Kind::loaded, 0, wire::to_bytes(engine_->facts())});
    return true;
  }

  void handle(const Frame& frame) {
    forget_ended();
    if (frame.kind == Frame::Kind::cancel || frame.kind == Frame::Kind::read) {
      const auto found = generations_.find(frame.id);
      if (found == generations_.end()) return;
      if (frame.kind == Frame::Kind::cancel) return found->second->cancel();
      if (const auto events = wire::from_bytes<int>(frame.payload)) found->second->read(*events);
      return;
    }
    auto request = wire::from_bytes<GenerateRequest>(frame.payload);
    if (frame.kind != Frame::Kind::generate || !request) return;
    auto sink = [this, id = frame.id, left = std::max(1, request->sampling.n)](GenerateEvent event) mutable {
      const bool last = wire::is_last(event, left);
      outlet_.send({Frame::Kind::event, id, wire::to_bytes(std::move(event))});
      if (!last) return;
      const std::scoped_lock lock(ended_mutex_);
      ended_.push_back(id);
    };
    generations_[frame.id] = engine_->generate(std::move(*request), std::move(sink));
  }

  void forget_ended() {
    std::vector<std::uint64_t> ended;
    {
      const std::scoped_lock lock(ended_mutex_);
      ended.swap(ended_);
    }
    for (const auto id : ended) generations_.erase(id);
  }

  void report(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      outlet_.send({Frame::Kind::stats, 0, wire::to_bytes(engine_->stats())});
      std::this_thread::sleep_for(kStatsPeriod);
    }
  }

  int socket_;
  Outlet outlet_;
  wire::FrameReader reader_;
  std::mutex ended_mutex_;
  std::vector<std::uint64_t> ended_;
  std::unique_ptr<Engine> engine_;
  std::map<std::uint64_t, std::unique_ptr<Generation>> generations_;  // die before the engine
};

}  // namespace

int run_worker(int socket) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGHUP, SIG_IGN);  // meant for the gateway when a terminal sends them to the whole group
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  return Worker(socket).run();
}

}  // namespace tollgate::local_backend
