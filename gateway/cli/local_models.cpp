#include "gateway/cli/local_models.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "gateway/cli/admin_client.h"
#include "gateway/cli/common.h"
#include "local_backend/worker.h"

namespace tollgate::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file, provider, directory;
  int wait_seconds = 600;
  bool json = false;
};

void print_model(const char* place, const Json& model, const char* note) {
  if (model.is_null()) return;
  const bool healthy = model["healthy"].get<bool>();
  std::printf("  %-9s %s  (%s, %.1f million parameters, context %lld)%s%s%s\n", place,
              model["directory"].get<std::string>().c_str(), model["architecture"].get<std::string>().c_str(),
              static_cast<double>(model["parameters"].get<std::int64_t>()) / 1e6,
              static_cast<long long>(model["context_length"].get<std::int64_t>()), note, healthy ? "" : "  BROKEN ",
              healthy ? "" : model["problem"].get<std::string>().c_str());
}

void print_seat(const Json& seat) {
  std::printf("%s\n", seat["provider"].get<std::string>().c_str());
  print_model("serves", seat["current"], "");
  print_model("staged", seat["staged"], "  takes over by: tollgate models swap");
  print_model("before", seat["previous"], "  comes back by: tollgate models rollback");
  if (seat["loading"].get<bool>()) std::puts("  loading   another one");
  if (const auto problem = seat["problem"].get<std::string>(); !problem.empty())
    std::printf("  refused   %s\n", problem.c_str());
}

void print(const Json& seats, bool json) {
  if (json) std::printf("%s\n", seats.dump(2).c_str());
  if (json) return;
  if (seats.empty()) std::puts("no provider of kind local is configured");
  for (const auto& seat : seats) print_seat(seat);
}

Json find_seat(const Json& seats, const std::string& provider) {
  for (const auto& seat : seats)
    if (seat["provider"] == provider) return seat;
  return nullptr;
}

Result<Json> ask(const config::Snapshot& snapshot, const std::string& path, const std::string& body = {}) {
  TG_TRY(const auto answer, ask_gateway(snapshot, path, body));
  return Json::parse(answer);
}

// The one that is named, or the only one there is.
Result<std::string> chosen(const config::Snapshot& snapshot, const std::string& provider) {
  if (!provider.empty()) return provider;
  if (snapshot.local_models.size() == 1) return snapshot.local_models.front().provider;
  return Error{.kind = ErrorKind::invalid_request,
               .message = "there are " + std::to_string(snapshot.local_models.size()) +
                          " providers of kind local: name one by --provider"};
}

Result<Json> wait_until_loaded(const config::Snapshot& snapshot, const std::string& provider, int seconds) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  for (int polls = 0;; ++polls) {
    TG_TRY(const auto seats, ask(snapshot, "/models"));
    const Json seat = find_seat(seats, provider);
    if (seat.is_null() || !seat["loading"].get<bool>()) return seat;
    if (std::chrono::steady_clock::now() > give_up)
      return Error{.message = "it is still loading after " + std::to_string(seconds) +
                              " s; tollgate models status tells how it ends"};
    if (terminal) std::fprintf(stderr, "\rloading, %d s", polls / 10);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Result<Json> load(const config::Snapshot& snapshot, const Options& options, const std::string& provider) {
  std::error_code ignored;
  const auto directory = std::filesystem::absolute(options.directory, ignored).lexically_normal();
  const Json body = {{"directory", directory.string()}};
  TG_TRY([[maybe_unused]] const auto begun, ask(snapshot, "/models/" + provider + "/load", body.dump()));
  TG_TRY(const auto seat, wait_until_loaded(snapshot, provider, options.wait_seconds));
  const std::string problem = seat.is_null() ? "the provider is gone" : seat["problem"].get<std::string>();
  if (!problem.empty()) return Error{.message = "not loaded: " + problem};
  return Json::array({seat});
}

// `command`: what stands after "models".
Result<Json> run(const config::Snapshot& snapshot, const std::string& command, const Options& options) {
  if (command == "status") return ask(snapshot, "/models");
  TG_TRY(const auto provider, chosen(snapshot, options.provider));
  if (command == "load") return load(snapshot, options, provider);
  return ask(snapshot, "/models/" + provider + "/" + command, "{}");
}

int report(const std::string& command, const Options& options) {
  const auto snapshot = load_or_complain(options.file, true);
  if (!snapshot) return 1;
  const auto seats = run(*snapshot, command, options);
  if (!seats) return complain(seats.error().message);
  print(*seats, options.json);
  return 0;
}

}  // namespace

void add_local_models(CLI::App& models, Context& context) {
  static constexpr std::pair<const char*, const char*> kCommands[] = {
      {"status", "What the local providers of the running gateway serve, and what waits beside it"},
      {"load", "Load another model beside the one that serves, let it answer once, and keep it ready"},
      {"swap", "Let the loaded model take over; answers under way end with the model they began with"},
      {"rollback", "Bring back the model before the last swap or reload"}};
  for (const auto& [name, help] : kCommands) {
    auto* command = models.add_subcommand(name, std::string(help) + " (works on the live gateway)");
    auto options = std::make_shared<Options>();
    add_config_option(*command, options->file);
    command->add_flag("--json", options->json, "As JSON");
    const std::string word = name;
    if (word != "status")
      command->add_option("--provider", options->provider, "Which; may be left out where there is one");
    if (word == "load") {
      command->add_option("--directory", options->directory, "Hugging Face files: config.json, model.safetensors, ...")
          ->required();
      command->add_option("--wait", options->wait_seconds, "Seconds to wait for the end")->capture_default_str();
    }
    command->callback([word, options, &context] { context.exit_code = report(word, *options); });
  }
}

// Not for people: the gateway starts it (model: {isolation: process}) with its socket as descriptor 3.
void add_local_worker(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("local-worker", "Runs a model for the gateway that starts it");
  command->group("");
  command->callback([&context] { context.exit_code = local_backend::run_worker(local_backend::kWorkerSocket); });
}

}  // namespace tollgate::cli
