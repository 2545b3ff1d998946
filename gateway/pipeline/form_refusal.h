#pragma once
// What is wrong with a form, in the terms of OpenAI's API.
#include <string>
#include <utility>

#include "gateway/base/error.h"

namespace tollgate::pipeline {

inline Error refuse_form(std::string param, std::string message, std::string code = "invalid_value") {
  return Error{.kind = ErrorKind::invalid_request,
               .message = std::move(message),
               .code = std::move(code),
               .param = std::move(param),
               .retryable = false};
}

}  // namespace tollgate::pipeline
