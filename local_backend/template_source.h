#pragma once
// Where a model directory keeps its chat template. The first that there is: chat_template.jinja (with tools:
// additional_chat_templates/tool_use.jinja), chat_template.json, tokenizer_config.json (one, or a list by name), and at
// last one of our own for the special tokens that the tokenizer has.
#include <string>

#include "local_backend/tokenizer.h"

namespace tollgate::local_backend {

struct TemplateSource {
  std::string standard;
  std::string with_tools;  // empty: the same
  std::string origin;      // a file's name, or "built-in: ..."
};

// Throws std::runtime_error when there is none, or a file is not as it should be.
TemplateSource find_template(const std::string& directory, const Tokenizer& tokenizer);

}  // namespace tollgate::local_backend
