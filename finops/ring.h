#pragma once
// A file-backed ring of usage records: one producer, one consumer, and a third reader after a crash. Private.
//
//   page 0       RingHeader
//   page 1..     data, mapped twice in a row, so that a record that wraps is still contiguous in memory
//
// Positions count bytes since the ring was made and never wrap (2^64). A record is a RecordHeader and its bytes, padded
// to kRecordAlign. The store of `head` publishes it; everything before is in the page cache, which outlives the
// process. On a disk the kernel writes pages back in any order, so after a power cut `head` may be ahead of the bytes:
// hence the checksum and the sequence.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "finops/ledger.h"
#include "gateway/base/ids.h"
#include "gateway/base/result.h"

namespace tollgate::finops {

inline constexpr std::size_t kRecordAlign = 16;
inline constexpr std::size_t kRingHeaderBytes = 4096;

struct RingHeader {
  std::uint64_t magic = 0;  // written last: a file without it was never finished
  std::uint32_t version = 0;
  std::uint32_t owner_pid = 0;  // for people; ownership is the lock on the file
  std::uint64_t capacity = 0;
  Uuid owner;                                       // one per process life
  alignas(64) std::atomic<std::uint64_t> head = 0;  // written by the producer: everything before is published
  alignas(64) std::atomic<std::uint64_t> tail = 0;  // written by the consumer: everything before is durable
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "the header is shared between processes");
static_assert(sizeof(RingHeader) <= kRingHeaderBytes);

struct RecordHeader {
  std::uint32_t length = 0;  // of the bytes that follow
  std::uint32_t crc = 0;     // of length, sequence and bytes
  std::uint64_t sequence =
      0;  // its position: never used twice, so a record of an earlier lap is not taken for this one
};
static_assert(sizeof(RecordHeader) == kRecordAlign);

// The mapping and the lock on its file, both held until destruction. Not copyable; made and destroyed by one thread.
class Ring {
 public:
  // Makes, fills and locks `path`. `bytes` is rounded up to whole pages.
  static Result<std::unique_ptr<Ring>> create(const std::filesystem::path& path, std::size_t bytes, const Uuid& owner);

  // unreadable: this process may not, or has not the descriptors or the memory; the ring may be whole.
  enum class Found : std::uint8_t { adopted, owned, unfinished, unreadable, damaged };
  struct Adoption {
    Found found = Found::damaged;
    std::unique_ptr<Ring> ring = nullptr;  // set where `found` is adopted
    std::string why = {};                  // set where `found` is unreadable
  };
  // Takes over a ring whose process is gone.
  static Adoption adopt(const std::filesystem::path& path);

  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  RingHeader& header() { return *header_; }
  const RingHeader& header() const { return *header_; }
  // REQUIRES: the bytes from `position` on are at most capacity() long.
  char* at(std::uint64_t position) { return data_ + position % capacity_; }
  std::size_t capacity() const { return capacity_; }
  const std::filesystem::path& path() const { return path_; }
  // Removes the name; the mapping stays until destruction.
  void unlink();

 private:
  Ring(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  Status map(std::size_t capacity);

  std::filesystem::path path_;
  int fd_ = -1;
  RingHeader* header_ = nullptr;
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

class RingWriter final : public RingProducer {
 public:
  explicit RingWriter(Ring& ring);
  // An intent is refused while less than a quarter is free: that quarter is kept for the endings of the calls that were
  // let in.
  bool push(const UsageRecord& record) override;
  std::chrono::milliseconds full_for() const override;
  double fill() const override;

 private:
  Ring& ring_;
  std::uint64_t head_ = 0;
  std::uint64_t seen_tail_ = 0;                                      // read again only when the ring looks full
  std::optional<std::chrono::steady_clock::time_point> full_since_;  // of the first refusal after a record
  std::string scratch_;
};

class RingReader {
 public:
  explicit RingReader(Ring& ring);

  enum class Next : std::uint8_t { record, empty, damaged };
  // Gives the next published record and moves past it; `bytes` stays valid until release().
  Next next(std::string_view& bytes);
  // Gives everything read so far back to the producer. Called once what was read is durable.
  void release();
  // After `damaged`: moves past everything published, since no length in between can be trusted. Returns the bytes
  // lost.
  std::uint64_t skip_to_head();

 private:
  Ring& ring_;
  std::uint64_t position_ = 0;
};

}  // namespace tollgate::finops
