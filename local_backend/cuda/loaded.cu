// Weights on their way into the device's memory.
#include "local_backend/cuda/runner.h"

namespace tollgate::device {
namespace {

std::size_t bytes_of(WeightType type) {
  switch (type) {
    case WeightType::f32:
      return 4;
    case WeightType::int8:
    case WeightType::fp8:
      return 1;
    default:
      return 2;
  }
}

Operand operand_for(WeightType type, bool exact) {
  if (exact || type == WeightType::f32) return Operand::f32;
  return type == WeightType::f16 ? Operand::f16 : Operand::bf16;
}

Array<float> loaded(const float* from, std::size_t count) {
  if (from == nullptr) return {};
  Array<float> out(count);
  copy_in(out.data(), from, count * sizeof(float));
  return out;
}

}  // namespace

LoadedMatrix::LoadedMatrix(const plugin::Matrix& from, bool exact)
    : scales_(loaded(from.scales, from.rows)), bias_(loaded(from.bias, from.rows)) {
  if (from.data == nullptr) return;
  view_.rows = static_cast<int>(from.rows);
  view_.columns = static_cast<int>(from.columns);
  view_.type = static_cast<WeightType>(from.type);
  view_.operand = operand_for(view_.type, exact);
  const std::size_t width = from.columns * bytes_of(view_.type);
  const std::size_t pitch = static_cast<std::size_t>(view_.stride()) * bytes_of(view_.type);
  data_ = Array<unsigned char>(from.rows * pitch);
  if (pitch != width) fill_zeros(data_.data(), data_.size());
  copy_rows_in(data_.data(), pitch, from.data, width, width, from.rows);
  view_.data = data_.data();
  view_.scales = scales_.data();
  view_.bias = bias_.data();
}

LoadedNorm::LoadedNorm(const plugin::Norm& from, float epsilon, bool layer)
    : weight_(loaded(from.weight, from.width)),
      bias_(loaded(from.bias, from.width)),
      view_{weight_.data(), bias_.data(), static_cast<int>(from.width), epsilon, layer} {}

LoadedLayer::LoadedLayer(const plugin::Layer& from, const plugin::Model& model, bool exact)
    : attention_norm(from.attention_norm, model.norm_epsilon, model.layer_norm != 0),
      qkv(from.qkv, exact),
      query_norm(from.query_norm, model.norm_epsilon, false),
      key_norm(from.key_norm, model.norm_epsilon, false),
      output(from.output, exact),
      feed_forward_norm(from.feed_forward_norm, model.norm_epsilon, model.layer_norm != 0),
      gate_up(from.gate_up, exact),
      down(from.down, exact),
      window(from.window) {}

}  // namespace tollgate::device
