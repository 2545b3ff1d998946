#pragma once
// The engines of the local providers: loaded when a configuration names them, and replaced while calls are under way.
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/snapshot.h"
#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "local_backend/api.h"

namespace tollgate::process {

using EnginePtr = std::shared_ptr<local_backend::Engine>;

// What an operator sees of one local provider.
struct LocalModelState {
  struct Model {
    std::string directory;
    local_backend::ModelFacts facts;
    bool healthy = true;
    std::string problem = {};  // why it is not
  };
  std::string provider;
  std::optional<Model> current, staged, previous;
  bool loading = false;
  std::string problem;  // of the last load; empty where it went well
};

// Each local provider has a seat: the engine that answers, one that is loaded and may take its place (`staged`), and
// the one before (`previous`), which a rollback brings back. A stream holds the engine that it began with, so replacing
// one ends no stream; an engine that nobody holds dies on a thread of its own, because it waits for its step.
// Thread-safe.
class LocalModels {
 public:
  explicit LocalModels(Log& log) : log_(log) {}
  ~LocalModels();
  LocalModels(const LocalModels&) = delete;
  LocalModels& operator=(const LocalModels&) = delete;

  // One thread at a time calls these two. Blocking, seconds: loads what `wanted` names and is not here (a new provider,
  // other options), and lets it answer once. Nothing is in force before put(). The error names the provider and what is
  // wrong with which file.
  using Loaded = std::map<std::string, EnginePtr>;
  Result<Loaded> load_missing(const std::vector<config::LocalModel>& wanted);
  // What load_missing(wanted) gave takes its seats; providers that `wanted` does not name lose theirs.
  void put(const std::vector<config::LocalModel>& wanted, Loaded loaded);

  // The engine of the moment, for the provider's upstream; gives null once the provider is gone.
  std::function<EnginePtr()> source(const std::string& provider) const;

  // For operators. Errors say what to do: not_found without such a provider, invalid_request where there is nothing to
  // swap.
  Status begin_load(const std::string& provider, const std::string& directory);  // returns at once; see states()
  Status swap(const std::string& provider);
  Status rollback(const std::string& provider);
  std::vector<LocalModelState> states() const;

  void each(const std::function<void(const std::string& provider, const local_backend::Engine&)>& visit) const;

 private:
  struct Model {
    local_backend::EngineOptions options;
    EnginePtr engine;
  };
  struct Seat {
    local_backend::EngineOptions wanted;  // by the configuration in force; changed by put() only
    std::mutex mutex;                     // of what follows
    Model current, staged, previous;
    bool loading = false;
    std::string problem;
  };
  EnginePtr load(const local_backend::EngineOptions& options);
  std::shared_ptr<Seat> seat(const std::string& provider) const;
  void finish_load(const std::string& provider, Seat& seat, const local_backend::EngineOptions& options);
  void say(std::string_view event, const std::string& provider, const Model& model);

  Log& log_;
  boost::asio::thread_pool pool_{1};  // loads and ends engines; outlives the seats
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Seat>> seats_;
};

}  // namespace tollgate::process
