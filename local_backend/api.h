#pragma once
// The embedded model runtime as its users see it: messages in, text out, on a thread of its own. No Boost and no
// gateway headers: this folder also builds by itself (cmake -S local_backend).
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::local_backend {

struct ToolCall {
  std::string id;         // the caller's, so that a result finds it; models are given numbers instead
  std::string name;       // of the tool
  std::string arguments;  // one JSON object
};

struct Message {
  std::string role;                       // "system", "user", "assistant", "tool"
  std::string content;                    // UTF-8; can never produce special tokens
  std::vector<ToolCall> tool_calls = {};  // assistant
  std::string tool_call_id = {};          // tool: whose result the content is
};

struct Tool {
  std::string name;
  std::string description;  // may be empty
  std::string schema;       // of the arguments: JSON; empty: there are none
};

struct ToolChoice {
  // automatic: the model decides; required, function: the answer is one call whose arguments follow the tool's schema.
  enum class Mode : std::uint8_t { automatic, none, required, function } mode = Mode::automatic;
  std::string function = {};
};

struct SamplingParams {
  double temperature = 1.0;  // 0 = greedy
  double top_p = 1.0;
  std::uint64_t seed = 0;
  bool seeded = false;            // false: a fresh seed is drawn
  int max_tokens = 0;             // 0 = to the end of the context
  std::vector<std::string> stop;  // at most 4
  int top_k = 0;                  // 0 = all
  double min_p = 0.0;             // of the most likely token's probability
  int min_tokens = 0;             // the answer does not end before
  std::vector<int> stop_token_ids;
  bool ignore_eos = false;  // the answer ends by length or a stop string alone
  std::vector<std::pair<int, double>> logit_bias;
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  double repetition_penalty = 1.0;
  int logprobs = -1;  // -1 = none; else how many alternatives are told beside each token, at most 20
  int n = 1;          // choices; they share what is computed of the prompt
};

// What the answer's text has to be.
struct OutputFormat {
  enum class Kind : std::uint8_t { text, json_object, json_schema } kind = Kind::text;
  std::string schema;  // json_schema: JSON; keywords that are not implemented are refused by their JSON pointer
};

// generate: an answer to the messages. embed: what the model makes of `input`, as one vector of length 1.
enum class Task : std::uint8_t { generate, embed };

struct GenerateRequest {
  std::vector<Message> messages;
  SamplingParams sampling;
  OutputFormat format = {};
  std::string department = {};  // fairness, queueing, and who shares cached prefixes
  std::vector<Tool> tools = {};
  ToolChoice tool_choice = {};
  bool parallel_tool_calls = true;
  Task task = Task::generate;
  std::string input = {};  // embed
  // An answer waits, and others go on, while so many of its events were not read (Generation::read). 0: it never waits.
  int most_unread = 0;
};

enum class FinishReason : std::uint8_t { stop, length, tool_calls };

enum class FailureKind : std::uint8_t { invalid_request, overloaded, cancelled, internal };

struct TokenLogprob {
  std::string bytes;  // what the token stands for: may be a part of a character
  double logprob = 0;
};

struct LogprobEntry {
  TokenLogprob token;
  std::vector<TokenLogprob> top;  // the most likely tokens, the chosen one among them or not
};

// What the engine reports, in order: of each choice any number of texts and calls and one finished; or, at any time,
// one failed, which ends all choices. Nothing comes after the last of them.
struct GenerateEvent {
  enum class Kind : std::uint8_t { text, tool_call, embedding, finished, failed } kind = Kind::text;
  int choice = 0;
  std::string text;              // UTF-8, never cut inside a character
  ToolCall call;                 // tool_call: whole, without an id
  std::vector<float> embedding;  // embedding
  // text, finished: of tokens whose text is complete; none where tools may be called
  std::vector<LogprobEntry> logprobs;
  FinishReason finish = FinishReason::stop;
  std::int64_t prompt_tokens = 0;      // finished
  std::int64_t cached_tokens = 0;      // finished: of the prompt, not computed again
  std::int64_t completion_tokens = 0;  // finished: of this choice
  std::int64_t compute_us = 0;         // this choice's share of the engine's time
  FailureKind failure = FailureKind::internal;
  std::string message;               // failed: safe to show
  std::string code;                  // failed: such as "context_length_exceeded"
  std::string param;                 // failed: the parameter that is refused, where there is one
  std::int64_t retry_after_ms = -1;  // overloaded
};

// Handle of a running generation. Destroying it cancels (honoured within one step). Any thread.
class Generation {
 public:
  virtual ~Generation() = default;
  virtual void cancel() = 0;
  // So many more events were read. Counts only where the request says most_unread.
  virtual void read(int events) = 0;
};

// How weight matrices are kept in memory. int8 and fp8 (E4M3) are made while loading, with a scale for each row.
enum class WeightFormat : std::uint8_t { as_stored, int8, fp8 };
inline constexpr std::pair<std::string_view, WeightFormat> kWeightFormats[] = {
    {"as_stored", WeightFormat::as_stored}, {"int8", WeightFormat::int8}, {"fp8", WeightFormat::fp8}};

// thread: in the process that loads it. process: in one of its own, which may die and is started again (Linux).
enum class Isolation : std::uint8_t { thread, process };

// What computes. automatic: the GPU where there is one and the plugin for it, else the CPU.
enum class Device : std::uint8_t { automatic, cpu, cuda };
inline constexpr std::pair<std::string_view, Device> kDevices[] = {
    {"auto", Device::automatic}, {"cpu", Device::cpu}, {"cuda", Device::cuda}};

// Which of the CPU's instructions multiply. avx512_bf16 and amx round activations to bf16 where weights are bf16, the
// others leave them fp32. automatic: the fastest that the CPU has.
enum class CpuKernels : std::uint8_t { automatic, scalar, avx2, avx512, avx512_bf16, amx };
inline constexpr std::pair<std::string_view, CpuKernels> kCpuKernels[] = {
    {"auto", CpuKernels::automatic}, {"scalar", CpuKernels::scalar},           {"avx2", CpuKernels::avx2},
    {"avx512", CpuKernels::avx512},  {"avx512_bf16", CpuKernels::avx512_bf16}, {"amx", CpuKernels::amx}};

struct EngineOptions {
  std::string model_directory;  // config.json, model.safetensors, tokenizer.json, chat_template.jinja
  WeightFormat weights = WeightFormat::as_stored;
  int max_running = 8;                // sequences decoded together
  int max_queued = 64;                // beyond: overloaded, with an honest retry_after
  int max_queued_per_department = 0;  // 0: half of max_queued
  // Memory for keys and values, taken as it is needed. Where it holds less than the model's context, the context is
  // cut.
  std::uint64_t kv_cache_bytes = std::uint64_t{1} << 30;
  int kv_block_tokens = 32;
  int threads = 0;  // that multiply; 0: half of the cores this process may use
  Isolation isolation = Isolation::thread;
  Device device = Device::automatic;
  CpuKernels cpu_kernels = CpuKernels::automatic;  // does not load where the CPU has them not
  std::string device_plugin = {};                  // the shared library; empty: libtollgate_cuda.so beside the program
  // What runs a model apart: a program that calls run_worker() (worker.h).
  std::vector<std::string> worker_command = {"/proc/self/exe", "local-worker"};

  bool operator==(const EngineOptions&) const = default;
};

// How long something took, how often.
struct Durations {
  static constexpr std::array<double, 22> kBounds = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                     0.005,   0.01,     0.025,   0.05,   0.1,     0.25,   0.5,   1.0,
                                                     2.5,     5.0,      10.0,    30.0,   60.0,    120.0};  // seconds
  std::array<std::int64_t, kBounds.size() + 1> counts{};  // up to each bound, and beyond the last
  std::int64_t sum_us = 0;

  void add(std::int64_t microseconds) {
    const auto* bound = std::ranges::lower_bound(kBounds, static_cast<double>(microseconds) / 1e6);
    ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
    sum_us += microseconds;
  }
  void add(const Durations& other) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum_us += other.sum_us;
  }
};

struct EngineStats {
  std::int64_t running = 0;
  std::int64_t queued = 0;
  std::int64_t generated_tokens = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of the prompt tokens
  std::int64_t rejected = 0;
  std::int64_t preempted = 0;  // sequences put back because the cache was full
  std::int64_t kv_blocks = 0;
  std::int64_t kv_blocks_used = 0;
  std::int64_t steps = 0;
  std::int64_t busy_us = 0;
  std::int64_t idle_us = 0;    // the engine waited for work, or for readers
  Durations queue_wait = {};   // until the engine turned to it
  Durations first_token = {};  // from the request to its first token
  Durations next_token = {};   // from each token of an answer to its next
  bool healthy = true;
  std::int64_t restarts = 0;  // Isolation::process: how often its process had to be started again
  std::string problem = {};   // why it is not healthy, where that is known
};

struct ModelFacts {
  std::string name;          // directory name
  std::string architecture;  // "llama"
  std::int64_t parameters = 0;
  std::int64_t context_length = 0;  // what fits into the model and the cache
  std::string device = {};          // "cpu", or the GPU's name
  std::string why_cpu = {};         // Device::automatic: what kept it from a GPU
  std::string cpu_kernels = {};     // a name of kCpuKernels, and why not a faster one; empty on a GPU
  bool takes_tools = false;         // its chat template does
};

// Thread-safe. One engine thread owns the model's state.
class Engine {
 public:
  // Loads and checks everything; throws std::runtime_error that says what is wrong with which file.
  static std::unique_ptr<Engine> load(const EngineOptions& options);
  virtual ~Engine() = default;  // cancels and joins

  // `sink` is called on the engine thread (or on the caller's, when refused at once) and must not block; it may outlive
  // the Generation by one step.
  virtual std::unique_ptr<Generation> generate(GenerateRequest request, std::function<void(GenerateEvent)> sink) = 0;
  virtual EngineStats stats() const = 0;
  virtual const ModelFacts& facts() const = 0;
};

}  // namespace tollgate::local_backend
