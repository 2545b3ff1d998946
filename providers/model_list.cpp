// GET /v1/models and /v1/models/{id} (OpenAI API reference, models).
#include "providers/front_end.h"

namespace tollgate::providers {

std::string encode_model(const ModelEntry& model) {
  std::string out = R"({"id":")";
  append_json_escaped(out, model.id);
  out += R"(","object":"model","created":)" + std::to_string(model.created) + R"(,"owned_by":")";
  append_json_escaped(out, model.owned_by);
  return out += "\"}";
}

std::string encode_model_list(const std::vector<ModelEntry>& models) {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i > 0) out += ',';
    out += encode_model(models[i]);
  }
  return out += "]}";
}

}  // namespace tollgate::providers
