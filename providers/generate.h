#pragma once
// Text generation without a chat API, as the dialect of a provider: the Open Inference Protocol's generate (KServe,
// Triton) and Text Generation Inference's own. Internal to providers/.
#include "providers/dialect.h"

namespace tollgate::providers {

// What the server is given to go on with, and what must not be written by it: the marks of the next turn.
struct Prompt {
  std::string text;
  std::vector<std::string> stops;
};

// Takes the request's messages. Errors: invalid_request for what a text cannot hold (media, calls and their results),
// for a text that would speak in the prompt's own marks, and for more than one message where the format is `none`.
Result<Prompt> prompt_of(CanonicalRequest& request, GenerateOptions::Prompt format);

Result<DialectCall> encode_generate_request(CanonicalRequest request, const DialectTarget& target);
// {"inputs","parameters"}; without a path.
Result<DialectCall> encode_tgi_request(CanonicalRequest request, const DialectTarget& target);

// Reads both.
std::unique_ptr<AnswerDecoder> generate_decoder(AnswerContext context, std::string_view content_type);

}  // namespace tollgate::providers
