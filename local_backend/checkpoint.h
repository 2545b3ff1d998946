#pragma once
// The weights of a model directory as one set of tensors: model.safetensors, or the shards that
// model.safetensors.index.json lists.
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "local_backend/safetensors.h"

namespace tollgate::local_backend {

// Tensor -> file, from model.safetensors.index.json. Files are plain names ending in ".safetensors": no path leads out
// of the directory. Throws std::runtime_error naming `what`.
std::map<std::string, std::string> parse_weight_map(std::string_view json, const std::string& what);

// Open files. Not thread-safe. Throws std::runtime_error naming the file, as do its members.
class Checkpoint {
 public:
  explicit Checkpoint(const std::string& directory);

  struct Tensor {
    TensorInfo info;
    const SafetensorsFile* file;
  };
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  const std::string& name() const { return name_; }  // of the file that says which tensors there are
  std::uint64_t elements() const { return elements_; }
  void read(const Tensor& tensor, void* destination, std::size_t size) const {
    tensor.file->read(tensor.info, destination, size);
  }

 private:
  void add_file(const std::string& path);
  void add_shards(const std::string& directory);

  std::string name_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, Tensor> tensors_;
  std::uint64_t elements_ = 0;
};

}  // namespace tollgate::local_backend
