#pragma once
// Frames of a provider on their way to a client of the same API. Internal to providers/.
#include <string>
#include <utility>
#include <vector>

#include "providers/event.h"

namespace tollgate::providers {

// An event's text, changed, where it stood. REQUIRES: the span lies inside a JSON string
inline Edit text_edit(const Event& event) {
  Edit edit{*event.span, {}};
  append_json_escaped(edit.replacement, event.text);
  return edit;
}

// The same where arguments lie in a string or are the object itself: a call that comes whole.
inline Edit edit_of(const std::string& frame, const Event& event) {
  const Span span = *event.span;
  const bool inside_a_string = span.offset > 0 && frame[span.offset - 1] == '"';
  return inside_a_string ? text_edit(event) : Edit{span, event.text};
}

// Appends the frame; untouched bytes stay untouched.
inline void append_frame(std::string& out, const std::string& frame, std::vector<Edit> edits) {
  if (edits.empty())
    out += frame;
  else
    out += splice(frame, std::move(edits));
}

}  // namespace tollgate::providers
