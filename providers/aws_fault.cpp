// Amazon Bedrock API reference, common errors; Amazon SageMaker runtime API reference, InvokeEndpoint.
#include "providers/aws_fault.h"

#include "gateway/net/http1.h"

namespace tollgate::providers {
namespace {

struct KnownFault {
  std::string_view type;
  int status;
};
// Streams spell the first letter in lower case, HTTP errors in upper case.
constexpr KnownFault kFaults[] = {{"AccessDeniedException", 403},         {"UnrecognizedClientException", 403},
                                  {"InvalidSignatureException", 403},     {"IncompleteSignature", 403},
                                  {"ExpiredTokenException", 403},         {"MissingAuthenticationTokenException", 403},
                                  {"ValidationException", 400},           {"ValidationError", 400},
                                  {"ServiceQuotaExceededException", 429}, {"ConflictException", 409},
                                  {"ResourceNotFoundException", 404},     {"ModelTimeoutException", 408},
                                  {"ModelErrorException", 424},           {"ModelError", 424},
                                  {"ModelStreamErrorException", 424},     {"ModelStreamError", 424},
                                  {"ThrottlingException", 429},           {"ModelNotReadyException", 503},
                                  {"InternalServerException", 500},       {"InternalFailure", 500},
                                  {"InternalStreamFailure", 500},         {"InternalDependencyException", 500},
                                  {"ServiceUnavailableException", 503},   {"ServiceUnavailable", 503}};

std::string_view plain_type(std::string_view type) {
  type = type.substr(0, type.find(':'));
  type.remove_prefix(type.find('#') == std::string_view::npos ? 0 : type.find('#') + 1);
  return type;
}

}  // namespace

int aws_fault_status(std::string_view type, int otherwise) {
  const std::string_view plain = plain_type(type);
  for (const auto& [name, status] : kFaults)
    if (net::iequals(name, plain)) return status;
  return otherwise;
}

}  // namespace tollgate::providers
