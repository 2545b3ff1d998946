// Holds a device's plugin against the goldens of every family and against the CPU:
//   device_check PLUGIN MODELS_DIRECTORY [fp32|fast|int8|fp8 ...] [MODEL ...]
// Without words: all modes, all models, and random ones.
// Prints a Markdown table; exit code 0 when all is well. Needs no test framework, so that it runs on a bare GPU
// machine.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "local_backend/checkpoint.h"
#include "local_backend/device_plugin.h"
#include "local_backend/json_document.h"
#include "local_backend/tools/random_model.h"
#include "local_backend/transformer.h"

namespace lb = tollgate::local_backend;

namespace {

using Logits = std::vector<std::vector<float>>;  // after each token

constexpr double kExactLimit = 1e-5;
constexpr double kFastLimit = 3e-2;   // activations and the cache are rounded to bf16
constexpr double kSmallLimit = 6e-2;  // the same on top of weights of 8 bits, where the models are harsher
constexpr int kBlockTokens = 4;       // small, so that short texts have many

struct Golden {
  explicit Golden(const std::string& directory, lb::WeightFormat format)
      : facts(lb::read_json_file(directory + "/golden.json", 1 << 20)),
        spec(lb::parse_model_spec(lb::read_json_file(directory + "/config.json", 1 << 20), nullptr)),
        weights(lb::load_weights(lb::Checkpoint(directory), spec, format)) {
    for (const lb::Json& token : facts.find("tokens")->items) tokens.push_back(static_cast<int>(token.integer));
  }
  lb::Json facts;
  lb::ModelSpec spec;
  lb::Weights weights;
  std::vector<int> tokens;
};

int whole(std::size_t n) { return static_cast<int>(n); }

// `copies` sequences of the same tokens side by side, in steps of at most `chunk` tokens of each. What differs between
// them is an error.
Logits run(lb::ForwardPass& pass, const lb::ModelSpec& spec, const std::vector<int>& tokens, std::size_t chunk,
           int copies, lb::KvMemory memory) {
  lb::KvPool pool(spec, copies * (whole(tokens.size()) / kBlockTokens + 1), kBlockTokens, memory);
  std::vector<std::unique_ptr<lb::KvTable>> tables;
  for (int i = 0; i < copies; ++i) {
    tables.push_back(std::make_unique<lb::KvTable>(pool));
    if (!tables.back()->reserve(whole(tokens.size()))) throw std::runtime_error("the pool is too small");
  }
  const auto vocabulary = static_cast<std::size_t>(spec.vocabulary);
  Logits out;
  for (std::size_t at = 0; at < tokens.size(); at += chunk) {
    const std::size_t count = std::min(chunk, tokens.size() - at);
    std::vector<lb::StepRow> rows;
    for (const auto& table : tables) {
      for (std::size_t i = at; i < at + count; ++i) rows.push_back({tokens[i], whole(i), table.get(), true});
    }
    const auto logits = pass.step(rows);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto row = logits.subspan(r * vocabulary, vocabulary);
      if (r < count) out.emplace_back(row.begin(), row.end());
      // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): no chunk is empty
      if (!std::ranges::equal(row, out[at + r % count])) throw std::runtime_error("two copies of a row differ");
    }
  }
  return out;
}

template <class Wanted>
double distance(const Wanted& wanted, const std::vector<float>& got) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double value = wanted(i);
    difference += (value - double{got[i]}) * (value - double{got[i]});
    norm += value * value;
  }
  const double error = std::sqrt(difference / norm);
  return std::isnan(error) ? INFINITY : error;
}

double golden_error(const Golden& golden, const Logits& got) {
  const lb::Json& positions = *golden.facts.find("positions");
  double worst = 0;
  for (std::size_t i = 0; i < positions.items.size(); ++i) {
    const lb::Json& wanted = golden.facts.find("logits")->items[i];
    const auto& row = got[static_cast<std::size_t>(positions.items[i].integer)];
    worst = std::max(worst, distance([&](std::size_t v) { return wanted.items[v].number; }, row));
  }
  return worst;
}

double cpu_error(const lb::ModelSpec& spec, const lb::Weights& weights, const std::vector<int>& tokens,
                 const Logits& got) {
  lb::Transformer cpu(spec, weights, lb::fp32_kernels());
  const Logits wanted = run(cpu, spec, tokens, 16, 1, lb::KvMemory::host);
  double worst = 0;
  for (std::size_t t = 0; t < got.size(); ++t)
    worst = std::max(worst, distance([&](std::size_t v) { return double{wanted[t][v]}; }, got[t]));
  return worst;
}

double nearest_mistake(const Golden& golden) {
  double nearest = INFINITY;
  for (const lb::Json& mistake : golden.facts.find("mutants")->items) nearest = std::min(nearest, mistake.number);
  return nearest;
}

std::vector<int> with_answer(const Golden& golden) {
  std::vector<int> tokens = golden.tokens;
  for (const lb::Json& token : golden.facts.find("continuation")->items)
    tokens.push_back(static_cast<int>(token.integer));
  return tokens;
}

// How many tokens of the reference's greedy answer come out, as far as they are decided by more than `margin`.
std::pair<int, int> greedy(const Golden& golden, const Logits& logits, double margin) {
  const lb::Json& answer = *golden.facts.find("continuation");
  int decided = 0;
  int same = 0;
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    if (golden.facts.find("margins")->items[i].number < margin) break;
    const auto& after = logits[golden.tokens.size() + i - 1];
    ++decided;
    same += std::max_element(after.begin(), after.end()) - after.begin() == answer.items[i].integer ? 1 : 0;
  }
  return {same, decided};
}

// The same rows cut in other ways give the same bits.
bool same_in_any_batch(lb::ForwardPass& pass, const lb::ModelSpec& spec, const std::vector<int>& tokens,
                       const Logits& wanted) {
  struct Cut {
    std::size_t tokens;
    std::size_t chunk;
    int copies;
  };
  for (const Cut& cut : {Cut{24, 1, 1}, Cut{10, 1, 3}, Cut{20, 5, 2}, Cut{48, 48, 2}}) {
    const std::vector<int> some(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(cut.tokens));
    const Logits got = run(pass, spec, some, cut.chunk, cut.copies, lb::KvMemory::device);
    if (!std::equal(got.begin(), got.end(), wanted.begin())) return false;
  }
  return true;
}

struct Mode {
  const char* name;
  lb::WeightFormat format;
  bool exact;
};
constexpr Mode kModes[] = {{"fp32", lb::WeightFormat::as_stored, true},
                           {"fast", lb::WeightFormat::as_stored, false},
                           {"int8", lb::WeightFormat::int8, false},
                           {"fp8", lb::WeightFormat::fp8, false}};

void report(const std::string& name, const char* mode, double error, bool same, bool well) {
  std::printf("| %s | %s | %.1e | %s | %s | ", name.c_str(), mode, error, same ? "yes" : "NO", well ? "ok" : "FAILED");
  std::fflush(stdout);
}

bool check(const lb::plugin::Plugin& device, const std::string& directory, const Mode& mode) {
  const Golden golden(directory, mode.format);
  lb::DevicePass pass(device, golden.spec, golden.weights,
                      {.kv_blocks = 64, .kv_block_tokens = kBlockTokens, .max_rows = 128, .exact = mode.exact});
  const std::vector<int> tokens = with_answer(golden);
  const Logits got = run(pass, golden.spec, tokens, 16, 1, lb::KvMemory::device);
  const bool same = same_in_any_batch(pass, golden.spec, tokens, got);
  const bool stored = mode.format == lb::WeightFormat::as_stored;
  const double error = stored ? golden_error(golden, got) : cpu_error(golden.spec, golden.weights, tokens, got);
  const double limit = mode.exact ? std::min(kExactLimit, nearest_mistake(golden) / 20)
                       : stored   ? kFastLimit
                                  : kSmallLimit;
  const auto [right, decided] = stored ? greedy(golden, got, 8 * error) : std::pair(0, 0);
  const bool well = same && error < limit && right == decided;
  report(std::filesystem::path(directory).filename().string(), mode.name, error, same, well);
  std::printf("%d of %d |\n", right, decided);
  return well;
}

// Longer texts than goldens have, heads and windows that fall on no border: against the CPU.
constexpr std::pair<const char*, lb::RandomShape> kRandomShapes[] = {
    {"random long", {.head_dim = 10, .context = 380}},
    {"random window", {.heads = 6, .head_dim = 24, .context = 380, .window = 270}},
    {"random shared heads", {.hidden = 40, .heads = 20, .kv_heads = 1, .head_dim = 8, .context = 300}},
    {"random wide heads", {.heads = 2, .kv_heads = 2, .head_dim = 160, .context = 96}}};

bool check_random(const lb::plugin::Plugin& device, const char* name, const lb::RandomShape& shape, bool exact) {
  const lb::RandomModel model = lb::random_model(shape);
  std::vector<int> tokens(static_cast<std::size_t>(shape.context - 20));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int>(i * i % 127);
  lb::DevicePass pass(device, model.spec, model.weights,
                      {.kv_blocks = 320, .kv_block_tokens = kBlockTokens, .max_rows = 128, .exact = exact});
  const Logits got = run(pass, model.spec, tokens, 100, 1, lb::KvMemory::device);
  const bool same = exact || run(pass, model.spec, tokens, 33, 1, lb::KvMemory::device) == got;
  const double error = cpu_error(model.spec, model.weights, tokens, got);
  const bool well = same && error < (exact ? kExactLimit : kFastLimit);
  report(name, exact ? "fp32" : "fast", error, same, well);
  std::printf("- |\n");
  return well;
}

// The words that name modes choose among them, the others among models; none of a kind: all.
class Choice {
 public:
  explicit Choice(const std::vector<std::string>& words) {
    for (const std::string& word : words)
      (std::ranges::count(kModes, word, &Mode::name) > 0 ? modes_ : models_).push_back(word);
  }
  bool mode(const std::string& name) const { return modes_.empty() || std::ranges::count(modes_, name) > 0; }
  bool model(const std::string& name) const { return models_.empty() || std::ranges::count(models_, name) > 0; }
  bool all_models() const { return models_.empty(); }

 private:
  std::vector<std::string> modes_;
  std::vector<std::string> models_;
};

int check_all(const std::string& path, const std::string& models, const Choice& wanted) {
  const lb::plugin::Plugin& device = lb::load_device_plugin(path);
  std::printf(
      "Device: %s\n\n| model | mode | error | same in any batch | | greedy tokens |\n|---|---|---|---|---|---|\n",
      lb::device_facts(device).name.bytes);
  std::vector<std::string> directories;
  for (const auto& entry : std::filesystem::directory_iterator(models)) {
    if (wanted.model(entry.path().filename().string())) directories.push_back(entry.path().string());
  }
  std::ranges::sort(directories);
  if (directories.empty()) throw std::runtime_error(models + ": there is no such model");
  bool well = true;
  for (const std::string& directory : directories) {
    for (const Mode& mode : kModes) {
      if (wanted.mode(mode.name)) well = check(device, directory, mode) && well;
    }
  }
  for (const auto& [name, shape] : kRandomShapes) {
    if (!wanted.all_models()) break;
    if (wanted.mode("fp32")) well = check_random(device, name, shape, true) && well;
    if (wanted.mode("fast")) well = check_random(device, name, shape, false) && well;
  }
  return well ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s PLUGIN MODELS_DIRECTORY [fp32|fast|int8|fp8 ...] [MODEL ...]\n", argv[0]);
    return 2;
  }
  try {
    return check_all(argv[1], argv[2], Choice({argv + 3, argv + argc}));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
