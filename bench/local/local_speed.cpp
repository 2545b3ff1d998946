// Tokens a second of a model directory on this CPU, through the engine as the gateway uses it: JSON on stdout. The
// other side of beside_transformers.py.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "local_backend/api.h"

namespace lb = tollgate::local_backend;

namespace {

// Of the wall, or of the processor: that is the same on a machine that has other work, where one thread multiplies.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static inline bool of_the_processor = false;

  static time_point now() {
    if (!of_the_processor) return time_point(std::chrono::steady_clock::now().time_since_epoch());
    return time_point(std::chrono::nanoseconds(std::clock() * (1'000'000'000 / CLOCKS_PER_SEC)));
  }
};

struct Answer {
  Clock::time_point first{};
  Clock::time_point last{};
  std::int64_t prompt = 0;
  std::int64_t tokens = 0;
};

// One answer under way. `department` is new each time, so that no prefix is shared.
class Ask {
 public:
  Ask(lb::Engine& engine, const std::string& text, int tokens, const std::string& department) {
    lb::GenerateRequest request;
    request.messages.push_back({"user", text});
    request.sampling.temperature = 0;
    request.sampling.max_tokens = tokens;
    request.sampling.ignore_eos = true;
    request.department = department;
    begin_ = Clock::now();
    generation_ = engine.generate(std::move(request), [this](const lb::GenerateEvent& event) { take(event); });
  }
  Clock::time_point begin() const { return begin_; }
  Answer wait() { return done_.get_future().get(); }

 private:
  void take(const lb::GenerateEvent& event) {
    if (answer_.first == Clock::time_point{}) answer_.first = Clock::now();
    if (event.kind == lb::GenerateEvent::Kind::failed) {
      std::fprintf(stderr, "failed: %s\n", event.message.c_str());
      std::exit(1);
    }
    if (event.kind != lb::GenerateEvent::Kind::finished) return;
    answer_.last = Clock::now();
    answer_.prompt = event.prompt_tokens;
    answer_.tokens = event.completion_tokens;
    done_.set_value(answer_);
  }

  Clock::time_point begin_;
  Answer answer_;
  std::promise<Answer> done_;
  std::unique_ptr<lb::Generation> generation_;
};

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// The prompt's tokens a second, to the first token of the answer. `tokens`: how many it has.
double prefill(lb::Engine& engine, const std::string& text, int round, std::int64_t& tokens) {
  Ask ask(engine, text, 1, "prefill" + std::to_string(round));
  const Answer answer = ask.wait();
  tokens = answer.prompt;
  return static_cast<double>(answer.prompt) / seconds(ask.begin(), answer.last);
}

// Tokens a second of `batch` answers together, the prompts' time left out.
double decode(lb::Engine& engine, int batch, int tokens, int round) {
  std::vector<std::unique_ptr<Ask>> asks;
  for (int i = 0; i < batch; ++i)
    asks.push_back(std::make_unique<Ask>(engine, "Go on.", tokens,
                                         "d" + std::to_string(batch) + "." + std::to_string(round * batch + i)));
  Clock::time_point first{};
  Clock::time_point last{};
  std::int64_t made = 0;
  for (auto& ask : asks) {
    const Answer answer = ask->wait();
    first = std::max(first, answer.first);
    last = std::max(last, answer.last);
    made += answer.tokens - 1;
  }
  return static_cast<double>(made) / seconds(first, last);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: local_speed DIRECTORY THREADS PROMPT_WORDS TOKENS [int8] [CPU_KERNELS] [cpu-time]\n");
    return 2;
  }
  lb::EngineOptions options{.model_directory = argv[1], .threads = std::atoi(argv[2])};
  for (const std::string& word : std::vector<std::string>(argv + 5, argv + argc)) {
    if (word == "int8") options.weights = lb::WeightFormat::int8;
    if (word == "cpu-time") Clock::of_the_processor = true;
    for (const auto& [name, family] : lb::kCpuKernels)
      if (word == name) options.cpu_kernels = family;
  }
  const auto engine = lb::Engine::load(options);
  std::string text;
  for (int i = 0; i < std::atoi(argv[3]); ++i) text += "word ";
  const int tokens = std::atoi(argv[4]);
  (void)decode(*engine, 1, 4, 99);
  std::vector<double> best(3);
  std::int64_t prompt = 0;
  for (int round = 0; round < 2; ++round) {
    best[0] = std::max(best[0], prefill(*engine, text, round, prompt));
    best[1] = std::max(best[1], decode(*engine, 1, tokens, round));
    best[2] = std::max(best[2], decode(*engine, 8, tokens, round));
  }
  std::printf("{\"kernels\": \"%s\", \"prompt\": %lld, \"prefill\": %.2f, \"decode 1\": %.2f, \"decode 8\": %.2f}\n",
              engine->facts().cpu_kernels.c_str(), static_cast<long long>(prompt), best[0], best[1], best[2]);
  return 0;
}
