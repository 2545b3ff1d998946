// models inspect: what a directory of a model holds, what memory it needs and how fast it may be here.
#include "gateway/cli/inspect.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "local_backend/inspect.h"

namespace tollgate::cli {
namespace {

using local_backend::Inspection;
using local_backend::WeightFormat;
using Json = nlohmann::ordered_json;

struct Options {
  std::string directory;
  WeightFormat weights = WeightFormat::as_stored;
  bool json = false;
};

// Each token of an answer reads the weights once: memory sets the pace.
double tokens_per_second(const Inspection& model) {
  if (model.bytes_per_token == 0) return 0;
  return local_backend::measured_weight_bandwidth() / static_cast<double>(model.bytes_per_token);
}

Json as_json(const Inspection& model, double speed) {
  return {{"family", model.family},
          {"parameters", model.parameters},
          {"dtypes", model.dtypes},
          {"files", model.files},
          {"layers", model.layers},
          {"context", model.context},
          {"window", model.window},
          {"vocabulary", model.vocabulary},
          {"tokenizer", model.tokenizer},
          {"chat_template", model.chat_template},
          {"weight_bytes", model.weight_bytes},
          {"kv_bytes_per_1k_tokens", model.kv_bytes_per_1k_tokens},
          {"device", local_backend::device_at_hand()},
          {"tokens_per_second_estimate", speed},
          {"problems", model.problems}};
}

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void print(const Inspection& model, double speed) {
  const auto row = [](const char* name, const std::string& value) {
    std::printf("%-14s %s\n", name, value.empty() ? "unknown" : value.c_str());
  };
  row("family", model.family);
  std::printf("%-14s %.2f million in %lld file(s), %s\n", "parameters", static_cast<double>(model.parameters) / 1e6,
              static_cast<long long>(model.files), model.dtypes.empty() ? "unknown" : model.dtypes.c_str());
  row("context", std::to_string(model.context) + " tokens" +
                     (model.window > 0 ? ", with windows of " + std::to_string(model.window) : ""));
  row("vocabulary", std::to_string(model.vocabulary));
  row("tokenizer", model.tokenizer);
  row("chat template", model.chat_template);
  std::printf("%-14s %.1f MiB of weights, %.1f MiB of keys and values for 1000 tokens\n", "memory",
              mebibytes(model.weight_bytes), mebibytes(model.kv_bytes_per_1k_tokens));
  row("device", local_backend::device_at_hand());
  std::printf("%-14s about %.0f tokens/s for one short answer on this machine's CPU (an estimate)\n", "speed", speed);
  for (const std::string& problem : model.problems) std::printf("%-14s %s\n", "problem", problem.c_str());
}

int inspect(const Options& options) {
  const Inspection model = local_backend::inspect_model(options.directory, options.weights);
  const double speed = tokens_per_second(model);
  if (options.json) {
    std::printf("%s\n", as_json(model, speed).dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    print(model, speed);
  }
  return model.problems.empty() ? 0 : 1;
}

}  // namespace

void add_inspect(CLI::App& models, Context& context) {
  auto* command = models.add_subcommand(
      "inspect",
      "What a model directory holds, what memory it needs, how fast it may be here, and what keeps it from "
      "being loaded (works on files; exit code 1 when something does)");
  auto options = std::make_shared<Options>();
  command->add_option("directory", options->directory, "Hugging Face files: config.json, model.safetensors, ...")
      ->required();
  const std::map<std::string, WeightFormat> formats(std::begin(local_backend::kWeightFormats),
                                                    std::end(local_backend::kWeightFormats));
  command->add_option("--weights", options->weights, "As the provider's model.weights says: as_stored, int8, fp8")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("NAME");
  command->add_flag("--json", options->json, "As JSON");
  command->callback([options, &context] { context.exit_code = inspect(*options); });
}

}  // namespace tollgate::cli
