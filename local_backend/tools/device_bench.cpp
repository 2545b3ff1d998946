// Times a device's plugin on a model of random weights, through the same calls as the engine makes, logits brought to
// the host: device_bench PLUGIN tiny|1b|8b
// Prints Markdown. A step's time is the median of its repetitions.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "local_backend/device_plugin.h"
#include "local_backend/tools/random_model.h"

namespace lb = tollgate::local_backend;

namespace {

constexpr int kBlockTokens = 32;
constexpr int kMaxBatch = 64;

struct Size {
  const char* name;
  lb::RandomShape shape;
};
// 1b and 8b: the shapes of Llama 3.2 and 3.1.
constexpr Size kSizes[] = {{"tiny", {.context = 256}},
                           {"1b",
                            {.layers = 16,
                             .hidden = 2048,
                             .heads = 32,
                             .kv_heads = 8,
                             .head_dim = 64,
                             .feed_forward = 8192,
                             .vocabulary = 128256,
                             .context = 8192 + 512}},
                           {"8b",
                            {.layers = 32,
                             .hidden = 4096,
                             .heads = 32,
                             .kv_heads = 8,
                             .head_dim = 128,
                             .feed_forward = 14336,
                             .vocabulary = 128256,
                             .context = 8192 + 512}}};

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

// Sequences whose first `context` positions are taken as computed: times do not depend on what is there.
class Bench {
 public:
  Bench(const lb::plugin::Plugin& device, const lb::RandomModel& model, int blocks)
      : vocabulary_(model.spec.vocabulary),
        pass_(device, model.spec, model.weights,
              {.kv_blocks = blocks,
               .kv_block_tokens = kBlockTokens,
               .max_rows = kMaxBatch + lb::DevicePass::kPrefill.alone,
               .exact = 0}),
        pool_(model.spec, blocks, kBlockTokens, lb::KvMemory::device) {}

  // Milliseconds for one token of each of `batch` sequences.
  double decode(int batch, int context, int repeats) {
    auto tables = sequences(batch, context + 1);
    return timed(repeats, [&] {
      std::vector<lb::StepRow> rows;
      for (const auto& table : tables) rows.push_back({token(), context, table.get(), true});
      pass_.step(rows);
    });
  }

  // Milliseconds for a prompt, in the steps the engine makes of it.
  double prefill(int tokens, int repeats) {
    auto tables = sequences(1, tokens);
    return timed(repeats, [&] {
      for (int at = 0; at < tokens; at += lb::DevicePass::kPrefill.alone) {
        std::vector<lb::StepRow> rows;
        for (int i = at; i < std::min(tokens, at + lb::DevicePass::kPrefill.alone); ++i)
          rows.push_back({token(), i, tables[0].get(), i + 1 == tokens});
        pass_.step(rows);
      }
    });
  }

  // A prompt comes in pieces while others answer: milliseconds of such a step.
  double mixed(int batch, int context, int repeats) {
    auto tables = sequences(batch, context + 1);
    auto prompt = sequences(1, lb::DevicePass::kPrefill.shared);
    return timed(repeats, [&] {
      std::vector<lb::StepRow> rows;
      for (const auto& table : tables) rows.push_back({token(), context, table.get(), true});
      for (int i = 0; i < lb::DevicePass::kPrefill.shared; ++i) rows.push_back({token(), i, prompt[0].get(), false});
      pass_.step(rows);
    });
  }

 private:
  using Tables = std::vector<std::unique_ptr<lb::KvTable>>;

  Tables sequences(int count, int positions) {
    Tables out;
    for (int i = 0; i < count; ++i) {
      out.push_back(std::make_unique<lb::KvTable>(pool_));
      if (!out.back()->reserve(positions)) throw std::runtime_error("the pool is too small");
    }
    return out;
  }
  int token() { return token_ = (token_ * 17 + 3) % vocabulary_; }

  template <class Work>
  double timed(int repeats, const Work& work) {
    for (int i = 0; i < 2; ++i) work();
    std::vector<double> times;
    for (int i = 0; i < repeats; ++i) {
      const double begin = now_ms();
      work();
      times.push_back(now_ms() - begin);
    }
    return median(std::move(times));
  }

  int vocabulary_;
  int token_ = 1;
  lb::DevicePass pass_;
  lb::KvPool pool_;
};

double weight_gigabytes(const lb::Weights& weights) {
  double bytes = static_cast<double>(weights.head.matrix.data.size());
  for (const lb::LayerWeights& layer : weights.layers) {
    for (const lb::Linear* linear : {&layer.qkv, &layer.output, &layer.gate_up, &layer.down})
      bytes += static_cast<double>(linear->matrix.data.size());
  }
  return bytes / 1e9;
}

void row(const char* what, int batch, int context, double ms, int tokens, double gigabytes) {
  std::printf("| %s | %d | %d | %.3f | %.0f | %.0f |\n", what, batch, context, ms, tokens / ms * 1e3,
              gigabytes / ms * 1e3);
  std::fflush(stdout);
}

int bench(const std::string& path, const Size& size) {
  const lb::plugin::Plugin& device = lb::load_device_plugin(path);
  const lb::plugin::Facts facts = lb::device_facts(device);
  const lb::RandomModel model = lb::random_model(size.shape);
  const bool tiny = std::strcmp(size.name, "tiny") == 0;
  const std::vector<int> contexts = tiny ? std::vector{100} : std::vector{128, 2048, 8192};
  const std::vector<int> batches = tiny ? std::vector{1, 3} : std::vector{1, 8, 16, kMaxBatch};
  const int repeats = tiny ? 1 : 20;
  const int blocks = tiny ? 64 : kMaxBatch * (2048 / kBlockTokens + 1) + 8;
  Bench bench(device, model, blocks);
  const double gigabytes = weight_gigabytes(model.weights);
  std::printf("%s, random %s weights in bf16, %.2f GB read in a step\n\n", facts.name.bytes, size.name, gigabytes);
  std::printf("| step | batch | context | ms | tokens/s | weights, GB/s |\n|---|---|---|---|---|---|\n");
  for (const int context : contexts) {
    for (const int batch : batches) {
      if (batch * (context / kBlockTokens + 1) > blocks) continue;
      row("decode", batch, context, bench.decode(batch, context, repeats), batch, gigabytes);
    }
  }
  for (const int tokens : tiny ? std::vector{130} : std::vector{512, 2048, 8192})
    row("prefill", 1, tokens, bench.prefill(tokens, std::max(1, repeats / 4)), tokens, gigabytes);
  if (!tiny) row("decode beside a prompt", 32, 2048, bench.mixed(32, 2048, repeats), 32, gigabytes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto* size = argc == 3
                         ? std::ranges::find_if(kSizes, [&](const Size& s) { return !std::strcmp(s.name, argv[2]); })
                         : std::end(kSizes);
  if (size == std::end(kSizes)) {
    std::fprintf(stderr, "usage: %s PLUGIN tiny|1b|8b\n", argv[0]);
    return 2;
  }
  try {
    return bench(argv[1], *size);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
