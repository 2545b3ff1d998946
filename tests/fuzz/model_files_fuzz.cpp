// Two small files of a model directory: a config.json is refused or gives a shape that agrees with itself; an index of
// shards is refused or names plain files only.
#include <stdexcept>
#include <string_view>

#include "local_backend/checkpoint.h"
#include "local_backend/json_document.h"
#include "local_backend/model_spec.h"
#include "require.h"

namespace lb = tollgate::local_backend;

namespace {

void check_config(std::string_view text) {
  const lb::Json config = lb::parse_json(text, "config.json");
  const lb::ModelSpec spec = lb::parse_model_spec(config, &config);
  require(spec.heads % spec.kv_heads == 0, "heads share keys evenly");
  require(spec.windows.size() == static_cast<std::size_t>(spec.layers), "each layer has a window");
  require(spec.rope.rotated() <= spec.head_dim, "no more turns than a head has");
  for (const float frequency : spec.rope.inverse_frequencies) require(frequency >= 0, "frequencies are numbers");
  for (const int id : spec.end_tokens) require(id < spec.vocabulary, "end tokens are in the vocabulary");
}

void check_index(std::string_view text) {
  for (const auto& [tensor, file] : lb::parse_weight_map(text, "index")) {
    require(file.find('/') == std::string::npos && file.find('\0') == std::string::npos, "a plain name");
    require(file.front() != '.' && file.ends_with(".safetensors"), "a file of tensors");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto check : {check_config, check_index}) {
    try {
      check(text);
    } catch (const std::runtime_error&) {
    }
  }
  return 0;
}
