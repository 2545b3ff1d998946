// Asks a model one question on the command line: local_generate DIRECTORY "Hello" [temperature]
#include <cstdio>
#include <cstdlib>
#include <future>
#include <stdexcept>

#include "local_backend/api.h"

namespace lb = tollgate::local_backend;

namespace {

int ask(const char* directory, const char* question, double temperature) {
  const auto engine = lb::Engine::load({.model_directory = directory});
  lb::GenerateRequest request;
  request.messages.push_back({"user", question});
  request.sampling.temperature = temperature;
  std::promise<int> done;
  const auto generation = engine->generate(std::move(request), [&done](const lb::GenerateEvent& event) {
    if (event.kind == lb::GenerateEvent::Kind::text) {
      std::fputs(event.text.c_str(), stdout);
      std::fflush(stdout);
    } else if (event.kind == lb::GenerateEvent::Kind::failed) {
      std::fprintf(stderr, "failed: %s\n", event.message.c_str());
      done.set_value(1);
    } else {
      std::fprintf(stderr, "\n%lld prompt tokens, %lld answer tokens, %lld us\n",
                   static_cast<long long>(event.prompt_tokens), static_cast<long long>(event.completion_tokens),
                   static_cast<long long>(event.compute_us));
      done.set_value(0);
    }
  });
  return done.get_future().get();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL_DIRECTORY QUESTION [TEMPERATURE]\n", argv[0]);
    return 2;
  }
  try {
    return ask(argv[1], argv[2], argc > 3 ? std::atof(argv[3]) : 0.0);
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
