#include "finops/ring.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "finops/crc32c.h"
#include "finops/usage_fields.h"

namespace tollgate::finops {
namespace {

constexpr std::uint64_t kMagic = 0x31474E4952475474;  // "tTGRING1"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMinCapacity = 8 * (kMaxEncodedBytes + sizeof(RecordHeader));
static_assert(kMinCapacity <= kSmallestRing);

Error ring_error(const char* what, const std::filesystem::path& path, int code) {
  return Error{ErrorKind::internal,
               "ledger ring " + path.string() + ": " + what + ": " + std::generic_category().message(code)};
}

std::size_t padded(std::size_t bytes) { return (bytes + kRecordAlign - 1) / kRecordAlign * kRecordAlign; }

std::uint32_t checksum(const RecordHeader& header, std::string_view bytes) {
  char prefix[sizeof header.length + sizeof header.sequence];
  std::memcpy(prefix, &header.length, sizeof header.length);
  std::memcpy(prefix + sizeof header.length, &header.sequence, sizeof header.sequence);
  return crc32c(bytes, crc32c({prefix, sizeof prefix}));
}

bool allowed(std::size_t capacity) {
  return capacity >= kMinCapacity && capacity <= kLargestRing && capacity % kRingHeaderBytes == 0;
}

// What a crash or a stranger may have left: no position is believed before this.
bool plausible(const RingHeader& header, std::size_t capacity) {
  const auto head = header.head.load();
  const auto tail = header.tail.load();
  return header.magic == kMagic && header.version == kVersion && header.capacity == capacity &&
         head % kRecordAlign == 0 && tail % kRecordAlign == 0 && tail <= head && head - tail <= capacity;
}

// A write to a hole of a full disk would be SIGBUS in the middle of a call: every block is allocated, every page
// touched, before the first record.
int allocate(int fd, std::size_t bytes) { return posix_fallocate(fd, 0, static_cast<off_t>(bytes)); }

void touch(char* begin, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += kRingHeaderBytes) static_cast<volatile char*>(begin)[i] = 0;
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::create(const std::filesystem::path& path, std::size_t bytes, const Uuid& owner) {
  const std::size_t capacity = (bytes + kRingHeaderBytes - 1) / kRingHeaderBytes * kRingHeaderBytes;
  if (!allowed(capacity))
    return Error{ErrorKind::internal,
                 "ledger ring: the size must lie between " + std::to_string(kMinCapacity) + " bytes and 1 GiB"};
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return ring_error("create", path, errno);
  std::unique_ptr<Ring> ring(new Ring(path, fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return ring_error("lock", path, errno);
  if (const int code = allocate(fd, kRingHeaderBytes + capacity); code != 0) {
    ring->unlink();
    return ring_error("allocate", path, code);
  }
  TG_CHECK(ring->map(capacity));
  touch(ring->data_, 2 * capacity);
  auto* header = new (ring->header_) RingHeader;
  header->version = kVersion;
  header->owner_pid = static_cast<std::uint32_t>(::getpid());
  header->capacity = capacity;
  header->owner = owner;
  std::atomic_thread_fence(std::memory_order_release);
  header->magic = kMagic;
  return ring;
}

Ring::Adoption Ring::adopt(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return {Found::owned};
  if (fd < 0 && errno == ELOOP) return {Found::damaged};  // a link is nothing of ours
  if (fd < 0) return {Found::unreadable, nullptr, std::generic_category().message(errno)};
  std::unique_ptr<Ring> ring(new Ring(path, fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return {Found::owned};
  struct stat info{};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return {Found::damaged};
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size <= kRingHeaderBytes) return {Found::unfinished};
  const std::size_t capacity = size - kRingHeaderBytes;
  if (!allowed(capacity)) return {Found::damaged};
  if (auto mapped = ring->map(capacity); !mapped) return {Found::unreadable, nullptr, mapped.error().message};
  if (ring->header().magic == 0) return {Found::unfinished};
  if (!plausible(ring->header(), capacity)) return {Found::damaged};
  return {Found::adopted, std::move(ring)};
}

Status Ring::map(std::size_t capacity) {
  const std::size_t total = kRingHeaderBytes + 2 * capacity;
  void* base = ::mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return ring_error("map", path_, errno);
  header_ = static_cast<RingHeader*>(base);
  data_ = static_cast<char*>(base) + kRingHeaderBytes;
  capacity_ = capacity;
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  constexpr int kFlags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
  if (::mmap(base, kRingHeaderBytes + capacity, kProtection, kFlags, fd_, 0) == MAP_FAILED ||
      ::mmap(data_ + capacity, capacity, kProtection, kFlags, fd_, kRingHeaderBytes) == MAP_FAILED)
    return ring_error("map", path_, errno);
  return {};
}

Ring::~Ring() {
  if (header_ != nullptr) ::munmap(static_cast<void*>(header_), kRingHeaderBytes + 2 * capacity_);
  ::close(fd_);
}

void Ring::unlink() { ::unlink(path_.c_str()); }

RingWriter::RingWriter(Ring& ring)
    : ring_(ring),
      head_(ring.header().head.load(std::memory_order_relaxed)),
      seen_tail_(ring.header().tail.load(std::memory_order_acquire)) {
  scratch_.reserve(kMaxEncodedBytes);
}

bool RingWriter::push(const UsageRecord& record) {
  scratch_.clear();
  encode(record, scratch_);
  const std::size_t need = sizeof(RecordHeader) + padded(scratch_.size());
  const std::size_t kept_free = record.kind == RecordKind::intent ? ring_.capacity() / 4 : 0;
  const auto fits = [&] { return head_ - seen_tail_ + need + kept_free <= ring_.capacity(); };
  if (!fits()) {
    seen_tail_ = ring_.header().tail.load(std::memory_order_acquire);
    if (!fits()) {
      if (!full_since_) full_since_ = std::chrono::steady_clock::now();
      return false;
    }
  }
  full_since_.reset();
  RecordHeader header{static_cast<std::uint32_t>(scratch_.size()), 0, head_};
  header.crc = checksum(header, scratch_);
  char* place = ring_.at(head_);
  std::memcpy(place, &header, sizeof header);
  std::memcpy(place + sizeof header, scratch_.data(), scratch_.size());
  head_ += need;
  ring_.header().head.store(head_, std::memory_order_release);
  return true;
}

std::chrono::milliseconds RingWriter::full_for() const {
  if (!full_since_) return std::chrono::milliseconds(0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - *full_since_);
}

double RingWriter::fill() const {
  // The tail first: the head only grows, so it is never behind a tail read before it.
  const auto tail = ring_.header().tail.load(std::memory_order_acquire);
  const auto used = ring_.header().head.load(std::memory_order_acquire) - tail;
  return static_cast<double>(used) / static_cast<double>(ring_.capacity());
}

RingReader::RingReader(Ring& ring) : ring_(ring), position_(ring.header().tail.load(std::memory_order_relaxed)) {}

RingReader::Next RingReader::next(std::string_view& bytes) {
  const auto available = ring_.header().head.load(std::memory_order_acquire) - position_;
  if (available == 0) return Next::empty;
  RecordHeader header;
  const char* place = ring_.at(position_);
  std::memcpy(&header, place, sizeof header);
  if (header.length > kMaxEncodedBytes || sizeof header + padded(header.length) > available ||
      header.sequence != position_)
    return Next::damaged;
  const std::string_view body(place + sizeof header, header.length);
  if (checksum(header, body) != header.crc) return Next::damaged;
  bytes = body;
  position_ += sizeof header + padded(header.length);
  return Next::record;
}

void RingReader::release() { ring_.header().tail.store(position_, std::memory_order_release); }

std::uint64_t RingReader::skip_to_head() {
  const auto head = ring_.header().head.load(std::memory_order_acquire);
  const auto lost = head - position_;
  position_ = head;
  return lost;
}

}  // namespace tollgate::finops
