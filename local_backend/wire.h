#pragma once
// Values as bytes, for a model that runs in a process of its own. Both ends are the same build of the same program, so
// there are no versions: fields in the order of one list, numbers in 8 bytes of the machine's order, a count before
// what has many parts. The reader trusts nothing: whoever wrote may be broken.
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local_backend/api.h"

namespace tollgate::local_backend::wire {

// How many enumerators there are: what a reader takes.
constexpr std::uint64_t count(OutputFormat::Kind) { return 3; }
constexpr std::uint64_t count(ToolChoice::Mode) { return 4; }
constexpr std::uint64_t count(FinishReason) { return 3; }
constexpr std::uint64_t count(FailureKind) { return 4; }
constexpr std::uint64_t count(GenerateEvent::Kind) { return 5; }
constexpr std::uint64_t count(Task) { return 2; }
constexpr std::uint64_t count(WeightFormat) { return 3; }
constexpr std::uint64_t count(Isolation) { return 2; }
constexpr std::uint64_t count(Device) { return 3; }
constexpr std::uint64_t count(CpuKernels) { return 6; }

// The one list of each value's fields; `a` reads or writes them.
template <class Archive>
void fields(Archive& a, ToolCall& c) {
  a(c.id, c.name, c.arguments);
}
template <class Archive>
void fields(Archive& a, Message& m) {
  a(m.role, m.content, m.tool_calls, m.tool_call_id);
}
template <class Archive>
void fields(Archive& a, Tool& t) {
  a(t.name, t.description, t.schema);
}
template <class Archive>
void fields(Archive& a, ToolChoice& c) {
  a(c.mode, c.function);
}
template <class Archive>
void fields(Archive& a, SamplingParams& s) {
  a(s.temperature, s.top_p, s.seed, s.seeded, s.max_tokens, s.stop, s.top_k, s.min_p, s.min_tokens, s.stop_token_ids,
    s.ignore_eos, s.logit_bias, s.presence_penalty, s.frequency_penalty, s.repetition_penalty, s.logprobs, s.n);
}
template <class Archive>
void fields(Archive& a, OutputFormat& f) {
  a(f.kind, f.schema);
}
template <class Archive>
void fields(Archive& a, GenerateRequest& r) {
  a(r.messages, r.sampling, r.format, r.department, r.tools, r.tool_choice, r.parallel_tool_calls, r.task, r.input,
    r.most_unread);
}
template <class Archive>
void fields(Archive& a, TokenLogprob& t) {
  a(t.bytes, t.logprob);
}
template <class Archive>
void fields(Archive& a, LogprobEntry& e) {
  a(e.token, e.top);
}
template <class Archive>
void fields(Archive& a, GenerateEvent& e) {
  a(e.kind, e.choice, e.text, e.call, e.embedding, e.logprobs, e.finish, e.prompt_tokens, e.cached_tokens,
    e.completion_tokens, e.compute_us, e.failure, e.message, e.code, e.param, e.retry_after_ms);
}
template <class Archive>
void fields(Archive& a, EngineOptions& o) {
  a(o.model_directory, o.weights, o.max_running, o.max_queued, o.max_queued_per_department, o.kv_cache_bytes,
    o.kv_block_tokens, o.threads, o.isolation, o.device, o.cpu_kernels, o.device_plugin);
}
template <class Archive>
void fields(Archive& a, Durations& d) {
  a(d.counts, d.sum_us);
}
template <class Archive>
void fields(Archive& a, EngineStats& s) {
  a(s.running, s.queued, s.generated_tokens, s.prompt_tokens, s.cached_tokens, s.rejected, s.preempted, s.kv_blocks,
    s.kv_blocks_used, s.steps, s.busy_us, s.idle_us, s.queue_wait, s.first_token, s.next_token, s.healthy, s.problem);
}
template <class Archive>
void fields(Archive& a, ModelFacts& f) {
  a(f.name, f.architecture, f.parameters, f.context_length, f.device, f.why_cpu, f.cpu_kernels, f.takes_tools);
}

class Writer {
 public:
  template <class... T>
  void operator()(T&... values) {
    (put(values), ...);
  }
  std::string take() { return std::move(out_); }

 private:
  template <class T>
  void put(T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      std::uint64_t bits = 0;
      if constexpr (std::is_floating_point_v<T>)
        std::memcpy(&bits, &value, sizeof value);
      else
        bits = static_cast<std::uint64_t>(value);
      out_.append(reinterpret_cast<const char*>(&bits), sizeof bits);
    } else {
      fields(*this, value);
    }
  }
  void put(std::string& text) {
    std::uint64_t size = text.size();
    put(size);
    out_ += text;
  }
  template <class A, class B>
  void put(std::pair<A, B>& both) {
    (*this)(both.first, both.second);
  }
  template <class T, std::size_t kSize>
  void put(std::array<T, kSize>& list) {
    for (T& element : list) put(element);
  }
  template <class T>
  void put(std::vector<T>& list) {
    std::uint64_t size = list.size();
    put(size);
    for (T& element : list) put(element);
  }

  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  // All was as it should be, and nothing is left.
  bool complete() const { return ok_ && bytes_.empty(); }

 private:
  std::uint64_t number() {
    std::uint64_t bits = 0;
    ok_ = ok_ && bytes_.size() >= sizeof bits;
    if (!ok_) return 0;
    std::memcpy(&bits, bytes_.data(), sizeof bits);
    bytes_.remove_prefix(sizeof bits);
    return bits;
  }
  // Of something of which each takes at least `least` bytes.
  std::size_t size(std::size_t least) {
    const std::uint64_t size = number();
    ok_ = ok_ && size <= bytes_.size() / least;
    return ok_ ? static_cast<std::size_t>(size) : 0;
  }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T>) {
      const std::uint64_t which = number();
      ok_ = ok_ && which < count(T{});
      if (ok_) value = static_cast<T>(which);
    } else if constexpr (std::is_floating_point_v<T>) {
      const std::uint64_t bits = number();
      std::memcpy(&value, &bits, sizeof value);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = number() != 0;
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = static_cast<T>(number());
    } else {
      fields(*this, value);
    }
  }
  void get(std::string& text) {
    const std::size_t length = size(1);
    text.assign(bytes_.substr(0, length));
    bytes_.remove_prefix(length);
  }
  template <class A, class B>
  void get(std::pair<A, B>& both) {
    (*this)(both.first, both.second);
  }
  template <class T, std::size_t kSize>
  void get(std::array<T, kSize>& list) {
    for (T& element : list) get(element);
  }
  template <class T>
  void get(std::vector<T>& list) {
    list.clear();
    for (std::size_t left = size(sizeof(std::uint64_t)); left > 0 && ok_; --left) get(list.emplace_back());
  }

  std::string_view bytes_;
  bool ok_ = true;
};

template <class T>
std::string to_bytes(T value) {
  Writer writer;
  writer(value);
  return writer.take();
}

// nullopt: these bytes are no such value.
template <class T>
std::optional<T> from_bytes(std::string_view bytes) {
  T value;
  Reader reader(bytes);
  reader(value);
  if (!reader.complete()) return std::nullopt;
  return value;
}

// Of a generation with that many choices still to end: is this its last event? Counts.
inline bool is_last(const GenerateEvent& event, int& choices_left) {
  if (event.kind == GenerateEvent::Kind::finished) --choices_left;
  return event.kind == GenerateEvent::Kind::failed || choices_left == 0;
}

// One message. `id` is the generation's that it is about.
struct Frame {
  enum class Kind : std::uint8_t {
    load = 1,    // to the child, first: EngineOptions
    generate,    // to the child: GenerateRequest
    cancel,      // to the child
    read,        // to the child: how many events, as a number
    loaded,      // from the child, first: ModelFacts
    not_loaded,  // from the child, and its last: why, as text
    event,       // from the child: GenerateEvent
    stats,       // from the child, several times a second: EngineStats
  };
  Kind kind = Kind::load;
  std::uint64_t id = 0;
  std::string payload;
};

inline constexpr std::size_t kMostPayload = std::size_t{64} << 20U;

// Head and payload.
std::string to_bytes(const Frame& frame);

// Cuts a stream of bytes into frames.
class FrameReader {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // nullopt: not all of a frame is there.
  std::optional<Frame> next();
  // What came is no frame: nothing more will be read.
  bool broken() const { return broken_; }

 private:
  std::string buffer_;
  bool broken_ = false;
};

}  // namespace tollgate::local_backend::wire
