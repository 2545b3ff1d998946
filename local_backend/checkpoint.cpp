#include "local_backend/checkpoint.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "local_backend/json_document.h"

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxIndex = 64U << 20U;
constexpr std::size_t kMaxShards = 1024;

bool is_plain_name(std::string_view name) {
  const bool quiet = std::none_of(name.begin(), name.end(),
                                  [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
  return quiet && name.size() <= 255 && !name.starts_with('.') && name.ends_with(".safetensors");
}

}  // namespace

std::map<std::string, std::string> parse_weight_map(std::string_view json, const std::string& what) {
  const Json root = parse_json(json, what);
  const Json* map = root.find("weight_map");
  if (map == nullptr || !map->is(Json::Kind::object)) throw std::runtime_error(what + ": weight_map is missing");
  std::map<std::string, std::string> out;
  std::set<std::string> files;
  for (std::size_t i = 0; i < map->keys.size(); ++i) {
    const Json& file = map->items[i];
    if (!file.is(Json::Kind::string) || !is_plain_name(file.string)) {
      throw std::runtime_error(what + ": the file of tensor \"" + map->keys[i] +
                               "\" is no plain name that ends in .safetensors");
    }
    files.insert(file.string);
    if (files.size() > kMaxShards) throw std::runtime_error(what + ": more than 1024 files");
    out.emplace(map->keys[i], file.string);
  }
  return out;
}

Checkpoint::Checkpoint(const std::string& directory) : name_(directory + "/model.safetensors") {
  if (!file_exists(name_) && file_exists(name_ + ".index.json")) {
    name_ += ".index.json";
    add_shards(directory);
  } else {
    add_file(name_);
  }
  for (const auto& [name, tensor] : tensors_) elements_ += tensor.info.elements;
}

void Checkpoint::add_file(const std::string& path) {
  files_.push_back(std::make_unique<SafetensorsFile>(path));
  for (const auto& [name, info] : files_.back()->tensors()) {
    if (!tensors_.emplace(name, Tensor{info, files_.back().get()}).second) {
      throw std::runtime_error(path + ": tensor \"" + name + "\" is in another shard too");
    }
  }
}

void Checkpoint::add_shards(const std::string& directory) {
  const auto map = parse_weight_map(read_file(name_, kMaxIndex), name_);
  std::set<std::string> files;
  for (const auto& [tensor, file] : map) files.insert(file);
  for (const std::string& file : files) add_file(directory + "/" + file);
  for (const auto& [tensor, file] : map) {
    const auto found = tensors_.find(tensor);
    if (found == tensors_.end() || found->second.file->path() != directory + "/" + file) {
      throw std::runtime_error(name_ + ": tensor \"" + tensor + "\" is not in " + file);
    }
  }
}

}  // namespace tollgate::local_backend
