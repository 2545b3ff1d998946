#include "local_backend/admission.h"

#include <algorithm>

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxStops = 4;
constexpr std::size_t kMaxStopBytes = 512;
constexpr std::size_t kMaxMessages = 4096;

bool known_role(const std::string& role) { return role == "system" || role == "user" || role == "assistant"; }

// Empty when the request is well formed.
std::string complaint(const GenerateRequest& request) {
  if (request.messages.empty()) return "messages must not be empty";
  if (request.messages.size() > kMaxMessages) return "too many messages";
  for (const Message& m : request.messages) {
    if (!known_role(m.role)) return "a role must be system, user or assistant";
  }
  const SamplingParams& s = request.sampling;
  if (!(s.temperature >= 0 && s.temperature <= 100)) return "temperature must be between 0 and 100";
  if (!(s.top_p > 0 && s.top_p <= 1)) return "top_p must be above 0 and at most 1";
  if (s.max_tokens < 0) return "max_tokens must not be negative";
  if (s.stop.size() > kMaxStops) return "at most 4 stop strings are allowed";
  for (const std::string& stop : s.stop) {
    if (stop.empty() || stop.size() > kMaxStopBytes) return "a stop string must have 1 to 512 bytes";
  }
  return {};
}

GenerateEvent too_long(std::int64_t context) {
  return failure(FailureKind::invalid_request,
                 "the messages do not fit into the model's context of " + std::to_string(context) + " tokens",
                 "context_length_exceeded");
}

}  // namespace

GenerateEvent failure(FailureKind kind, std::string message, std::string code) {
  GenerateEvent out;
  out.kind = GenerateEvent::Kind::failed;
  out.failure = kind;
  out.message = std::move(message);
  out.code = std::move(code);
  return out;
}

std::variant<std::shared_ptr<Job>, GenerateEvent> admit(GenerateRequest request, const Model& model, int context,
                                                        std::uint64_t fresh_seed) {
  if (std::string why = complaint(request); !why.empty()) {
    return failure(FailureKind::invalid_request, std::move(why), "invalid_request");
  }
  std::size_t bytes = 0;
  for (const Message& m : request.messages) bytes += m.content.size();
  if (model.tokenizer.least_tokens(bytes) > static_cast<std::size_t>(context)) return too_long(context);
  auto prompt = model.chat_template.prompt(request.messages);
  if (auto* error = std::get_if<PromptError>(&prompt)) {
    return failure(FailureKind::invalid_request, std::move(error->message), "invalid_request");
  }
  auto job = std::make_shared<Job>();
  job->prompt = std::get<std::vector<int>>(std::move(prompt));
  if (job->prompt.empty()) return failure(FailureKind::invalid_request, "the prompt is empty", "invalid_request");
  if (job->prompt.size() >= static_cast<std::size_t>(context)) return too_long(context);
  const int room = context - static_cast<int>(job->prompt.size());
  const SamplingParams& s = request.sampling;
  job->max_new = s.max_tokens == 0 ? room : std::min(s.max_tokens, room);
  job->rule = {s.temperature, s.top_p, s.seeded ? s.seed : fresh_seed};
  job->stop = s.stop;
  job->department = std::move(request.department);
  return job;
}

}  // namespace tollgate::local_backend
