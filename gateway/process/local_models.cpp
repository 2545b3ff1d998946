#include "gateway/process/local_models.h"

#include <boost/asio/post.hpp>

#include <future>

namespace tollgate::process {
namespace {

using local_backend::Engine;
using local_backend::EngineOptions;
using local_backend::GenerateEvent;

// An engine joins its thread when it dies, and who lets go last may be a stream on a worker's loop.
EnginePtr shared(std::unique_ptr<Engine> engine, boost::asio::thread_pool& pool) {
  return {engine.release(), [&pool](Engine* last) { boost::asio::post(pool, [last] { delete last; }); }};
}

// One token, so that memory is touched and a model that cannot answer is known before it has to.
void warm(Engine& engine) {
  std::promise<GenerateEvent> ended;
  local_backend::GenerateRequest request;
  request.messages.push_back({.role = "user", .content = "Hello"});
  request.sampling.max_tokens = 1;
  const auto generation = engine.generate(std::move(request), [&ended](GenerateEvent event) {
    if (event.kind == GenerateEvent::Kind::finished || event.kind == GenerateEvent::Kind::failed)
      ended.set_value(std::move(event));
  });
  const GenerateEvent event = ended.get_future().get();
  if (event.kind == GenerateEvent::Kind::failed) throw std::runtime_error("it does not answer: " + event.message);
}

Error no_such(const std::string& provider) {
  return {.kind = ErrorKind::not_found,
          .message = "There is no provider \"" + provider + "\" of kind local.",
          .retryable = false};
}

Error refused(std::string message) {
  return {.kind = ErrorKind::invalid_request, .message = std::move(message), .retryable = false};
}

}  // namespace

LocalModels::~LocalModels() {
  {
    const std::scoped_lock lock(mutex_);
    seats_.clear();
  }
  pool_.join();  // engines end here, after a load that is under way
}

// Throws what is wrong with the files.
EnginePtr LocalModels::load(const EngineOptions& options) {
  log_.write(LogLevel::info, "model_loading", options.model_directory, {});
  EnginePtr engine = shared(Engine::load(options), pool_);
  warm(*engine);
  return engine;
}

Result<LocalModels::Loaded> LocalModels::load_missing(const std::vector<config::LocalModel>& wanted) {
  Loaded loaded;
  for (const auto& model : wanted) {
    const auto there = seat(model.provider);
    if (there && there->wanted == model.engine) continue;
    try {
      loaded[model.provider] = load(model.engine);
    } catch (const std::exception& e) {
      return refused("provider " + model.provider + ": cannot load its model: " + e.what());
    }
  }
  return loaded;
}

void LocalModels::put(const std::vector<config::LocalModel>& wanted, Loaded loaded) {
  std::map<std::string, std::shared_ptr<Seat>> seats;
  for (const auto& model : wanted) {
    auto there = seat(model.provider);
    if (!there) there = std::make_shared<Seat>();
    if (auto fresh = loaded.find(model.provider); fresh != loaded.end()) {
      there->wanted = model.engine;
      const std::scoped_lock lock(there->mutex);
      there->previous = std::exchange(there->current, {model.engine, std::move(fresh->second)});
      say("model_in_force", model.provider, there->current);
    }
    seats[model.provider] = std::move(there);
  }
  const std::scoped_lock lock(mutex_);
  seats_ = std::move(seats);
}

std::shared_ptr<LocalModels::Seat> LocalModels::seat(const std::string& provider) const {
  const std::scoped_lock lock(mutex_);
  const auto found = seats_.find(provider);
  return found == seats_.end() ? nullptr : found->second;
}

std::function<EnginePtr()> LocalModels::source(const std::string& provider) const {
  return [weak = std::weak_ptr<Seat>(seat(provider))]() -> EnginePtr {
    const auto there = weak.lock();
    if (!there) return nullptr;
    const std::scoped_lock lock(there->mutex);
    return there->current.engine;
  };
}

Status LocalModels::begin_load(const std::string& provider, const std::string& directory) {
  const auto there = seat(provider);
  if (!there) return no_such(provider);
  const std::scoped_lock lock(there->mutex);
  if (there->loading) return refused("A model is being loaded for this provider: wait for it.");
  EngineOptions options = there->current.options;
  options.model_directory = directory;
  there->loading = true;
  there->problem.clear();
  boost::asio::post(pool_,
                    [this, there, provider, options = std::move(options)] { finish_load(provider, *there, options); });
  return {};
}

void LocalModels::finish_load(const std::string& provider, Seat& there, const EngineOptions& options) {
  Model fresh{options, nullptr};
  std::string problem;
  try {
    fresh.engine = load(options);
    say("model_staged", provider, fresh);
  } catch (const std::exception& e) {
    problem = e.what();
    log_.write(LogLevel::error, "model_refused", problem, {{"provider", std::string_view(provider)}});
  }
  const std::scoped_lock lock(there.mutex);
  there.loading = false;
  there.problem = problem;
  if (fresh.engine) there.staged = std::move(fresh);
}

Status LocalModels::swap(const std::string& provider) {
  const auto there = seat(provider);
  if (!there) return no_such(provider);
  const std::scoped_lock lock(there->mutex);
  if (!there->staged.engine)
    return refused("No model waits to take over. Load one first: tollgate models load --provider " + provider +
                   " --directory DIR");
  there->previous = std::exchange(there->current, std::exchange(there->staged, {}));
  say("model_in_force", provider, there->current);
  return {};
}

// What is rolled back can be swapped in again.
Status LocalModels::rollback(const std::string& provider) {
  const auto there = seat(provider);
  if (!there) return no_such(provider);
  const std::scoped_lock lock(there->mutex);
  if (!there->previous.engine) return refused("There is no model before this one to roll back to.");
  there->staged = std::exchange(there->current, std::exchange(there->previous, {}));
  say("model_in_force", provider, there->current);
  return {};
}

void LocalModels::say(std::string_view event, const std::string& provider, const Model& model) {
  log_.write(LogLevel::info, event, model.options.model_directory,
             {{"provider", std::string_view(provider)},
              {"parameters", model.engine->facts().parameters},
              {"device", std::string_view(model.engine->facts().device)},
              {"why_cpu", std::string_view(model.engine->facts().why_cpu)},
              {"cpu_kernels", std::string_view(model.engine->facts().cpu_kernels)}});
}

std::vector<LocalModelState> LocalModels::states() const {
  const auto told = [](const Model& model) -> std::optional<LocalModelState::Model> {
    if (!model.engine) return std::nullopt;
    auto stats = model.engine->stats();
    return LocalModelState::Model{model.options.model_directory, model.engine->facts(), stats.healthy,
                                  std::move(stats.problem)};
  };
  std::vector<LocalModelState> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [provider, there] : seats_) {
    const std::scoped_lock seat_lock(there->mutex);
    out.push_back(
        {provider, told(there->current), told(there->staged), told(there->previous), there->loading, there->problem});
  }
  return out;
}

void LocalModels::each(const std::function<void(const std::string&, const Engine&)>& visit) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [provider, there] : seats_) {
    EnginePtr engine;
    {
      const std::scoped_lock seat_lock(there->mutex);
      engine = there->current.engine;
    }
    visit(provider, *engine);
  }
}

}  // namespace tollgate::process
