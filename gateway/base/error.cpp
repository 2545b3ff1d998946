#include "gateway/base/error.h"

#include <array>
#include <utility>

namespace tollgate {
namespace {

struct KindFacts {
  int status;
  std::string_view name;
};

constexpr std::array kFacts = {
    KindFacts{400, "invalid_request"},    KindFacts{401, "unauthenticated"},
    KindFacts{402, "budget_exceeded"},    KindFacts{403, "permission_denied"},
    KindFacts{404, "not_found"},          KindFacts{405, "method_not_allowed"},
    KindFacts{408, "request_timeout"},    KindFacts{413, "payload_too_large"},
    KindFacts{414, "uri_too_long"},       KindFacts{415, "unsupported_media_type"},
    KindFacts{417, "expectation_failed"}, KindFacts{429, "rate_limited"},
    KindFacts{431, "headers_too_large"},  KindFacts{499, "cancelled"},
    KindFacts{500, "internal"},           KindFacts{501, "not_implemented"},
    KindFacts{502, "upstream_error"},     KindFacts{503, "overloaded"},
    KindFacts{504, "upstream_timeout"},   KindFacts{505, "http_version"},
};
static_assert(kFacts.size() == static_cast<std::size_t>(ErrorKind::http_version) + 1);

constexpr std::array kReasons = {
    std::pair{100, std::string_view("Continue")},
    std::pair{200, std::string_view("OK")},
    std::pair{400, std::string_view("Bad Request")},
    std::pair{401, std::string_view("Unauthorized")},
    std::pair{402, std::string_view("Payment Required")},
    std::pair{403, std::string_view("Forbidden")},
    std::pair{404, std::string_view("Not Found")},
    std::pair{405, std::string_view("Method Not Allowed")},
    std::pair{408, std::string_view("Request Timeout")},
    std::pair{409, std::string_view("Conflict")},
    std::pair{413, std::string_view("Content Too Large")},
    std::pair{414, std::string_view("URI Too Long")},
    std::pair{415, std::string_view("Unsupported Media Type")},
    std::pair{417, std::string_view("Expectation Failed")},
    std::pair{422, std::string_view("Unprocessable Content")},
    std::pair{429, std::string_view("Too Many Requests")},
    std::pair{431, std::string_view("Request Header Fields Too Large")},
    std::pair{500, std::string_view("Internal Server Error")},
    std::pair{501, std::string_view("Not Implemented")},
    std::pair{502, std::string_view("Bad Gateway")},
    std::pair{503, std::string_view("Service Unavailable")},
    std::pair{504, std::string_view("Gateway Timeout")},
    std::pair{505, std::string_view("HTTP Version Not Supported")},
};

}  // namespace

Error invalid_value(std::string param, std::string message, std::string code) {
  return {.kind = ErrorKind::invalid_request,
          .message = std::move(message),
          .code = std::move(code),
          .param = std::move(param),
          .retryable = false};
}

int http_status(ErrorKind kind) { return kFacts[static_cast<std::size_t>(kind)].status; }

std::string_view to_string(ErrorKind kind) { return kFacts[static_cast<std::size_t>(kind)].name; }

std::string_view reason_phrase(int status) {
  for (const auto& [code, text] : kReasons)
    if (code == status) return text;
  return "Unknown";
}

}  // namespace tollgate
