#pragma once
// Content of the Messages API (Anthropic API reference, messages/create): the texts in it are indexed. Internal to
// providers/.
#include "providers/request_reader.h"

namespace tollgate::providers {

// A text, or a list of content blocks.
bool read_block_content(RequestReader& request);

// A member that the API, not a person, reads: kinds, names, references, and what only the provider can decipher.
bool is_reference(std::string_view key);

// Whatever a later version of the API adds: all its strings are texts, but for those that name something.
bool read_prose(RequestReader& request, Role role);

}  // namespace tollgate::providers
