#include "local_backend/rope.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "local_backend/config_values.h"

namespace tollgate::local_backend {
namespace {

using namespace config_values;

struct Scaling {
  const Json& rope;
  double theta;
  int rotated;
  int context;
  int pair = 0;  // whose frequency is asked for
};

double plain_frequency(const Scaling& s) { return std::pow(s.theta, -2.0 * s.pair / s.rotated); }

double linear_frequency(const Scaling& s) { return plain_frequency(s) / required_number(s.rope, "factor"); }

// Llama 3.1: long wavelengths are divided by `factor`, short ones kept, those between blended.
double llama3_frequency(const Scaling& s) {
  const double frequency = plain_frequency(s);
  const double factor = required_number(s.rope, "factor");
  const double low = required_number(s.rope, "low_freq_factor");
  const double high = required_number(s.rope, "high_freq_factor");
  const double original = required_number(s.rope, "original_max_position_embeddings");
  if (high <= low) refuse("high_freq_factor must be larger than low_freq_factor");
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength > original / low) return frequency / factor;
  if (wavelength < original / high) return frequency;
  const double smooth = (original / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

// YaRN (Peng et al., 2023, section 3.2): pairs that turn often within the original context keep their frequency, pairs
// that turn less than once are divided by `factor`, with a ramp over the pairs between.
double yarn_frequency(const Scaling& s) {
  const double factor = required_number(s.rope, "factor");
  const double original = number(s.rope, "original_max_position_embeddings", s.context);
  const auto pair_that_turns = [&](double times) {
    return s.rotated * std::log(original / (times * 2 * std::numbers::pi)) / (2 * std::log(s.theta));
  };
  double low = pair_that_turns(number(s.rope, "beta_fast", 32));
  double high = pair_that_turns(number(s.rope, "beta_slow", 1));
  if (flag(s.rope, "truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, s.rotated - 1.0);
  if (low == high) high += 0.001;
  const double divided = std::clamp((s.pair - low) / (high - low), 0.0, 1.0);
  return plain_frequency(s) * (divided / factor + (1 - divided));
}

double yarn_amplitude(const Json& rope) {
  for (const char* key : {"mscale", "mscale_all_dim"}) {
    if (rope.find_set(key) != nullptr) refuse(std::string(key) + " of yarn is not supported");
  }
  const double factor = required_number(rope, "factor");
  return number(rope, "attention_factor", factor <= 1 ? 1.0 : 0.1 * std::log(factor) + 1.0);
}

std::function<double(const Scaling&)> frequency_rule(const std::string& type) {
  if (type == "default") return plain_frequency;
  if (type == "linear") return linear_frequency;
  if (type == "llama3") return llama3_frequency;
  if (type == "yarn") return yarn_frequency;
  refuse("rope_type \"" + type + "\" is not supported (default, linear, llama3, yarn)");
}

void refuse_partial(const Json& object) {
  if (number(object, "partial_rotary_factor", 1) != 1) refuse("partial_rotary_factor is not supported");
}

}  // namespace

// `rope_parameters` is the spelling of transformers 5; older files have rope_theta beside rope_scaling, and "type" for
// "rope_type".
Rope parse_rope(const Json& config, int rotated, int context) {
  const Json* rope = config.find_set("rope_parameters");
  if (rope == nullptr) rope = config.find_set("rope_scaling");
  const Json none;
  if (rope == nullptr) rope = &none;
  refuse_partial(config);
  refuse_partial(*rope);
  const std::string type = text(*rope, "rope_type", text(*rope, "type", "default"));
  const auto frequency = frequency_rule(type);
  const double theta = number(*rope, "rope_theta", number(config, "rope_theta", 10000.0));
  if (theta <= 1) refuse("rope_theta must be above 1");
  Rope out;
  if (type == "yarn") out.amplitude = static_cast<float>(yarn_amplitude(*rope));
  for (int pair = 0; pair < rotated / 2; ++pair) {
    out.inverse_frequencies.push_back(static_cast<float>(frequency({*rope, theta, rotated, context, pair})));
  }
  return out;
}

RopeTable rope_table(const Rope& rope, int context) {
  RopeTable out;
  for (int position = 0; position < context; ++position) {
    for (const float frequency : rope.inverse_frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      out.cosines.push_back(std::cos(angle) * rope.amplitude);
      out.sines.push_back(std::sin(angle) * rope.amplitude);
    }
  }
  return out;
}

}  // namespace tollgate::local_backend
