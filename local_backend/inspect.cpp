#include "local_backend/inspect.h"

#include <chrono>
#include <optional>
#include <set>
#include <stdexcept>

#include "local_backend/checkpoint.h"
#include "local_backend/device_plugin.h"
#include "local_backend/kernels.h"
#include "local_backend/kv_cache.h"
#include "local_backend/matrix.h"
#include "local_backend/model.h"

namespace tollgate::local_backend {
namespace {

std::int64_t whole(std::uint64_t n) { return static_cast<std::int64_t>(n); }

// Runs one part of the inspection; what it throws becomes a problem.
template <class Part>
void attempt(Inspection& out, Part part) {
  try {
    part();
  } catch (const std::runtime_error& error) {
    out.problems.emplace_back(error.what());
  }
}

// In memory: matrices as in the file or smaller with a scale for each row, all else fp32.
std::int64_t bytes_in_memory(const TensorInfo& info, bool quantised) {
  if (info.shape.size() != 2) return whole(4 * info.elements);
  return quantised ? whole(info.elements + 4 * info.shape[0]) : whole(info.end - info.begin);
}

void add_weights(Inspection& out, const Checkpoint& checkpoint, const ModelSpec& spec, WeightFormat format) {
  std::set<std::string> dtypes;
  std::set<std::string> files;
  const std::string embedding = std::string(spec.family->tensors.embedding) + ".weight";
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const bool gathered = name == embedding;
    const std::int64_t bytes = bytes_in_memory(tensor.info, format != WeightFormat::as_stored && !gathered);
    out.weight_bytes += bytes;
    if (!gathered || spec.tied_head) out.bytes_per_token += bytes;
    dtypes.insert(tensor.info.dtype);
    files.insert(tensor.file->path());
  }
  for (const std::string& dtype : dtypes) out.dtypes += (out.dtypes.empty() ? "" : ", ") + dtype;
  out.files = whole(files.size());
  out.parameters = whole(checkpoint.elements());
  const auto problems = weight_problems(checkpoint, spec);
  out.problems.insert(out.problems.end(), problems.begin(), problems.end());
}

void add_shape(Inspection& out, const ModelSpec& spec) {
  out.family = spec.family->name;
  out.layers = spec.layers;
  out.context = spec.context;
  out.vocabulary = spec.vocabulary;
  for (const int window : spec.windows) out.window = std::max<std::int64_t>(out.window, window);
  out.kv_bytes_per_1k_tokens = whole(KvPool::block_bytes(spec, 1000));
  if (spec.end_tokens.empty()) out.problems.emplace_back("config.json: eos_token_id is missing");
}

}  // namespace

Inspection inspect_model(const std::string& directory, WeightFormat format) {
  Inspection out;
  std::optional<ModelSpec> spec;
  attempt(out, [&] { spec = read_model_spec(directory); });
  if (spec) add_shape(out, *spec);
  attempt(out, [&] {
    const Checkpoint checkpoint(directory);
    if (spec) add_weights(out, checkpoint, *spec, format);
  });
  attempt(out, [&] {
    const Tokenizer tokenizer = read_tokenizer(directory);
    out.tokenizer = std::string(tokenizer.kind()) + ", " + std::to_string(tokenizer.size()) + " tokens";
    if (spec && tokenizer.size() > spec->vocabulary) {
      out.problems.emplace_back("the tokenizer has more tokens than config.json's vocab_size");
    }
    const TemplateSource source = find_template(directory, tokenizer);
    out.chat_template = source.origin;
    attempt(out, [&] { (void)ChatTemplate(source, tokenizer, "", ""); });
  });
  return out;
}

std::string device_at_hand() {
  try {
    return device_facts(load_device_plugin(default_device_plugin())).name.bytes;
  } catch (const DeviceError& error) {
    return std::string("cpu (") + error.what() + ")";
  }
}

double measured_weight_bandwidth() {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kColumns = 4096;
  Matrix matrix;  // larger than the caches
  matrix.columns = kColumns;
  matrix.rows = 32'768;
  matrix.data.resize(matrix.rows * matrix.columns * size_of(matrix.type), std::byte{0x3C});
  const std::vector<float> x(kColumns, 0.5F);
  std::vector<float> y(matrix.rows);
  std::vector<CacheLine> packed;
  const auto start = Clock::now();
  double seconds = 0;
  int rounds = 0;
  for (; seconds < 0.3; ++rounds) {
    multiply(best_kernels(), matrix.view(), x.data(), y.data(), 1, packed);
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return static_cast<double>(matrix.data.size()) * rounds / seconds;
}

}  // namespace tollgate::local_backend
