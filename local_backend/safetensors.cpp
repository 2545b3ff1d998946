#include "local_backend/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "local_backend/json_document.h"

namespace tollgate::local_backend {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxDimensions = 8;

[[noreturn]] void refuse(const std::string& what, const std::string& tensor, const std::string& why) {
  throw std::runtime_error(what + ": tensor \"" + tensor + "\": " + why);
}

// Bytes of one element; 0 for a dtype we do not know.
std::uint64_t element_size(std::string_view dtype) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 14> kSizes = {{{"BOOL", 1},
                                                                                  {"U8", 1},
                                                                                  {"I8", 1},
                                                                                  {"F8_E5M2", 1},
                                                                                  {"F8_E4M3", 1},
                                                                                  {"I16", 2},
                                                                                  {"U16", 2},
                                                                                  {"F16", 2},
                                                                                  {"BF16", 2},
                                                                                  {"I32", 4},
                                                                                  {"U32", 4},
                                                                                  {"F32", 4},
                                                                                  {"I64", 8},
                                                                                  {"F64", 8}}};
  const auto* found = std::find_if(kSizes.begin(), kSizes.end(), [&](const auto& s) { return s.first == dtype; });
  return found == kSizes.end() ? 0 : found->second;
}

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& out) { return !__builtin_mul_overflow(a, b, &out); }

std::uint64_t unsigned_of(const Json& value, const std::string& what, const std::string& tensor) {
  if (!value.is(Json::Kind::integer) || value.integer < 0) refuse(what, tensor, "a size is no unsigned integer");
  return static_cast<std::uint64_t>(value.integer);
}

TensorInfo parse_tensor(const std::string& name, const Json& entry, const std::string& what) {
  const Json* dtype = entry.find("dtype");
  const Json* shape = entry.find("shape");
  const Json* offsets = entry.find("data_offsets");
  if (dtype == nullptr || !dtype->is(Json::Kind::string)) refuse(what, name, "has no dtype");
  if (shape == nullptr || !shape->is(Json::Kind::array)) refuse(what, name, "has no shape");
  if (shape->items.size() > kMaxDimensions) refuse(what, name, "has too many dimensions");
  if (offsets == nullptr || !offsets->is(Json::Kind::array) || offsets->items.size() != 2) {
    refuse(what, name, "has no data_offsets");
  }
  TensorInfo info;
  info.dtype = dtype->string;
  info.elements = 1;
  for (const Json& size : shape->items) {
    info.shape.push_back(unsigned_of(size, what, name));
    if (!multiply(info.elements, info.shape.back(), info.elements)) refuse(what, name, "its shape overflows");
  }
  info.begin = unsigned_of(offsets->items[0], what, name);
  info.end = unsigned_of(offsets->items[1], what, name);
  const std::uint64_t size = element_size(info.dtype);
  if (size == 0) refuse(what, name, "unknown dtype \"" + info.dtype + "\"");
  std::uint64_t bytes = 0;
  if (!multiply(info.elements, size, bytes)) refuse(what, name, "its shape overflows");
  if (info.end < info.begin || info.end - info.begin != bytes) {
    refuse(what, name, "data_offsets do not agree with shape and dtype");
  }
  return info;
}

}  // namespace

TensorIndex parse_safetensors_header(std::string_view json, std::uint64_t data_size, const std::string& what) {
  if (json.empty() || json.front() != '{') throw std::runtime_error(what + ": the header does not start with '{'");
  const Json header = parse_json(json, what);
  TensorIndex index;
  std::vector<const TensorIndex::value_type*> in_file_order;
  for (std::size_t i = 0; i < header.keys.size(); ++i) {
    const std::string& name = header.keys[i];
    if (name == "__metadata__") continue;
    in_file_order.push_back(&*index.emplace(name, parse_tensor(name, header.items[i], what)).first);
  }
  std::sort(in_file_order.begin(), in_file_order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t covered = 0;
  for (const auto* tensor : in_file_order) {
    if (tensor->second.begin != covered) refuse(what, tensor->first, "data_offsets overlap or leave a gap");
    covered = tensor->second.end;
  }
  if (covered != data_size) {
    throw std::runtime_error(what + ": the header describes " + std::to_string(covered) +
                             " bytes of data, the file has " + std::to_string(data_size));
  }
  return index;
}

SafetensorsFile::SafetensorsFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) throw std::runtime_error(path_ + ": cannot be opened: " + std::strerror(errno));
  try {
    struct stat status{};
    if (::fstat(fd_, &status) != 0 || status.st_size < 8) throw std::runtime_error(path_ + ": shorter than its header");
    const auto file_size = static_cast<std::uint64_t>(status.st_size);
    std::array<unsigned char, 8> prefix{};
    read_at(0, prefix.data(), prefix.size());
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < prefix.size(); ++i) length |= std::uint64_t{prefix[i]} << (8 * i);
    if (length > kMaxHeader) throw std::runtime_error(path_ + ": the header is larger than 100 MB");
    if (length > file_size - 8) throw std::runtime_error(path_ + ": the file ends inside its header");
    std::string json(static_cast<std::size_t>(length), '\0');
    read_at(8, json.data(), json.size());
    data_start_ = 8 + length;
    tensors_ = parse_safetensors_header(json, file_size - data_start_, path_);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() { ::close(fd_); }

void SafetensorsFile::read(const TensorInfo& info, void* destination, std::size_t size) const {
  if (size != info.end - info.begin) throw std::logic_error("SafetensorsFile::read: wrong size");
  read_at(data_start_ + info.begin, destination, size);
}

void SafetensorsFile::read_at(std::uint64_t offset, void* destination, std::size_t size) const {
  auto* to = static_cast<char*>(destination);
  while (size > 0) {
    const ssize_t got = ::pread(fd_, to, std::min<std::size_t>(size, 64U << 20U), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::runtime_error(path_ + ": cannot be read: " + std::strerror(errno));
    if (got == 0) throw std::runtime_error(path_ + ": the file became shorter while it was read");
    to += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace tollgate::local_backend
