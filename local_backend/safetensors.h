#pragma once
// The safetensors file format: u64 little-endian header length, a JSON header, then the data of all tensors.
// Read with pread, never mapped: a file truncated under a mapping is a SIGBUS, under pread an error.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::local_backend {

struct TensorInfo {
  std::string dtype;  // "BF16", "F32", ... as the file spells it
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // bytes from the start of the data area
  std::uint64_t end = 0;
  std::uint64_t elements = 0;
};

using TensorIndex = std::map<std::string, TensorInfo>;

// Checks the header as the format demands: offsets without gap or overlap that cover exactly `data_size`, sizes that
// agree with shape and dtype, no overflow. Throws std::runtime_error naming `what` and the tensor.
TensorIndex parse_safetensors_header(std::string_view json, std::uint64_t data_size, const std::string& what);

// An open file. Not thread-safe. All members throw std::runtime_error naming the file.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::string path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  const TensorIndex& tensors() const { return tensors_; }
  // Copies the tensor's bytes. REQUIRES: size == info.end - info.begin.
  void read(const TensorInfo& info, void* destination, std::size_t size) const;

 private:
  void read_at(std::uint64_t offset, void* destination, std::size_t size) const;

  std::string path_;
  int fd_ = -1;
  std::uint64_t data_start_ = 0;
  TensorIndex tensors_;
};

}  // namespace tollgate::local_backend
