#pragma once
// From a request to a job that the engine can run, or the refusal. Runs on the caller's thread: rendering and
// tokenising do not hold up the engine.
#include <memory>
#include <string>
#include <variant>

#include "local_backend/api.h"
#include "local_backend/model.h"
#include "local_backend/sequence.h"

namespace tollgate::local_backend {

// What a request that is refused at once gets.
class NoGeneration : public Generation {
 public:
  void cancel() override {}
  void read(int events) override { (void)events; }
};

GenerateEvent failure(FailureKind kind, std::string message, std::string code = {}, std::string param = {});

// `context`: tokens of prompt and answer. `fresh_seed` is used where the request has none. The job has no sink yet.
std::variant<std::shared_ptr<Job>, GenerateEvent> admit(GenerateRequest request, const Model& model, int context,
                                                        std::uint64_t fresh_seed);

}  // namespace tollgate::local_backend
