// longjmp between stacks is what fibres are; the fortified one takes it for an error.
#undef _FORTIFY_SOURCE
#include "local_backend/cuda/emulated/simt.h"

#include <ucontext.h>

#include <csetjmp>
#include <memory>
#include <vector>

#include "local_backend/cuda/numbers.h"

namespace tollgate::simt {
namespace {

constexpr std::size_t kStack = 64U << 10U;
constexpr unsigned kWarp = 32;

enum class State { ready, at_block, at_warp, done };
enum class Meeting { plain, shuffle, multiply };  // what the lanes of a warp meet for

struct Copy {
  void* to;
  const void* from;
};

struct Fibre {
  std::unique_ptr<char[]> stack;  // NOLINT(modernize-avoid-c-arrays)
  ucontext_t start{};
  std::jmp_buf at{};
  bool begun = false;
  State state = State::ready;
  Meeting meeting = Meeting::plain;
  // What it shows to the others, by turns in two places: who is late still reads one while the other is written.
  struct Shown {
    float shuffled = 0;
    std::uint32_t a[4] = {};
    std::uint32_t b[2] = {};
  };
  Shown shown[2];
  unsigned turn = 0;
  std::vector<std::vector<Copy>> groups;  // committed, not yet made; the last is open
};

struct Machine {
  std::vector<std::unique_ptr<Fibre>> fibres;
  std::size_t running = 0;
  std::jmp_buf scheduler{};
  const std::function<void()>* kernel = nullptr;
  std::vector<float> shared;
  bool reversed = false;
};

Machine& machine() {
  static thread_local Machine instance;
  return instance;
}

Fibre& self() { return *machine().fibres[machine().running]; }

void leave() {
  Machine& m = machine();
  if (_setjmp(self().at) == 0) _longjmp(m.scheduler, 1);
}

void live() {
  while (true) {
    (*machine().kernel)();
    self().state = State::done;
    leave();
  }
}

void resume(std::size_t index) {
  Machine& m = machine();
  m.running = index;
  thread_index.x = static_cast<unsigned>(index);
  Fibre& fibre = *m.fibres[index];
  if (_setjmp(m.scheduler) != 0) return;
  if (fibre.begun) _longjmp(fibre.at, 1);
  fibre.begun = true;
  ::getcontext(&fibre.start);
  fibre.start.uc_stack.ss_sp = fibre.stack.get();
  fibre.start.uc_stack.ss_size = kStack;
  fibre.start.uc_link = nullptr;
  ::makecontext(&fibre.start, live, 0);
  ::setcontext(&fibre.start);
}

// All of [begin, end) wait for the same, or none of them is released.
bool release(std::size_t begin, std::size_t end, State waiting) {
  Machine& m = machine();
  for (std::size_t i = begin; i < end; ++i) {
    if (m.fibres[i]->state != waiting || m.fibres[i]->meeting != m.fibres[begin]->meeting) return false;
  }
  for (std::size_t i = begin; i < end; ++i) m.fibres[i]->state = State::ready;
  return true;
}

bool release_some(std::size_t threads) {
  bool some = false;
  for (std::size_t warp = 0; warp < threads; warp += kWarp) some |= release(warp, warp + kWarp, State::at_warp);
  return some || release(0, threads, State::at_block);
}

bool all_done(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    if (machine().fibres[i]->state != State::done) return false;
  }
  return true;
}

void run_block(std::size_t threads) {
  Machine& m = machine();
  for (std::size_t i = 0; i < threads; ++i) {
    m.fibres[i]->state = State::ready;
    m.fibres[i]->turn = 0;
    m.fibres[i]->meeting = Meeting::plain;
    m.fibres[i]->groups.assign(1, {});
  }
  while (true) {
    for (std::size_t i = 0; i < threads; ++i) {
      const std::size_t next = m.reversed ? threads - 1 - i : i;
      if (m.fibres[next]->state == State::ready) resume(next);
    }
    if (all_done(threads)) return;
    if (!release_some(threads)) {
      m.fibres.clear();  // they wait for ever
      throw std::logic_error("threads wait for others that do not come");
    }
  }
}

void meet(Meeting meeting) {
  self().meeting = meeting;
  self().state = State::at_warp;
  leave();
}

const Fibre::Shown& lane(unsigned index) {
  const Machine& m = machine();
  return m.fibres[m.running / kWarp * kWarp + index]->shown[self().turn];
}

Fibre::Shown& next_turn() {
  self().turn ^= 1U;
  return self().shown[self().turn];
}

float number(bool f16, std::uint32_t word, unsigned half) {
  const auto bits = static_cast<std::uint16_t>(word >> (16 * half));
  return f16 ? device::f16_to_float(bits) : device::bf16_to_float(bits);
}

}  // namespace

void reverse_order(bool reversed) { machine().reversed = reversed; }

void run_grid(Index blocks, unsigned threads, std::size_t shared_bytes, const std::function<void()>& kernel) {
  Machine& m = machine();
  if (threads == 0 || threads % kWarp != 0 || threads > 1024) throw std::logic_error("blocks are of whole warps");
  if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) throw std::logic_error("a grid without blocks");
  if (blocks.y > 65535 || blocks.z > 65535) throw std::logic_error("a grid larger than CUDA allows");
  while (m.fibres.size() < threads) {
    m.fibres.push_back(std::make_unique<Fibre>());
    m.fibres.back()->stack = std::make_unique<char[]>(kStack);  // NOLINT(modernize-avoid-c-arrays)
  }
  m.kernel = &kernel;
  for (block_index.z = 0; block_index.z < blocks.z; ++block_index.z) {
    for (block_index.y = 0; block_index.y < blocks.y; ++block_index.y) {
      for (block_index.x = 0; block_index.x < blocks.x; ++block_index.x) {
        m.shared.assign((shared_bytes + 3) / 4, NAN);
        m.shared.shrink_to_fit();
        run_block(threads);
      }
    }
  }
}

void block_sync() {
  self().meeting = Meeting::plain;
  self().state = State::at_block;
  leave();
}

void warp_sync() { meet(Meeting::plain); }

float shuffle_xor(float value, int mask) {
  next_turn().shuffled = value;
  meet(Meeting::shuffle);
  return lane((thread_index.x % kWarp) ^ static_cast<unsigned>(mask)).shuffled;
}

unsigned char* shared_bytes() { return reinterpret_cast<unsigned char*>(machine().shared.data()); }

void async_copy_16(void* shared, const void* global) {
  if ((reinterpret_cast<std::uintptr_t>(shared) | reinterpret_cast<std::uintptr_t>(global)) % 16 != 0)
    throw std::logic_error("an unaligned copy");
  self().groups.back().push_back({shared, global});
}

void async_commit() { self().groups.emplace_back(); }

void async_wait_for(int left) {
  auto& groups = self().groups;
  while (groups.size() > static_cast<std::size_t>(left) + 1) {
    for (const Copy& copy : groups.front()) std::memcpy(copy.to, copy.from, 16);
    groups.erase(groups.begin());
  }
}

void multiply_tiles_of(bool f16, float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Fibre::Shown& mine = next_turn();
  std::memcpy(mine.a, a, sizeof a);
  std::memcpy(mine.b, b, sizeof b);
  meet(Meeting::multiply);
  const unsigned group = thread_index.x % kWarp / 4;
  const unsigned pair = thread_index.x % 4;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned low_row = i / 2;  // 0: row g, 1: row g + 8
    const unsigned column = 2 * pair + i % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const unsigned t = k % 8 / 2;
      const float left = number(f16, lane(4 * group + t).a[low_row + 2 * (k / 8)], k % 2);
      const float right = number(f16, lane(4 * column + t).b[k / 8], k % 2);
      sums[i] += left * right;
    }
  }
}

}  // namespace tollgate::simt
