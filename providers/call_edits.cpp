// Editing a request in place: what is not replaced reaches the upstream byte for byte.
#include <algorithm>

#include "providers/call.h"
#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out += '"';
}

Edit insertion(std::uint32_t at, std::string text) { return {{at, 0}, std::move(text)}; }

bool empty_object(std::string_view value) {
  return value.find_first_not_of(" \t\r\n", 1) == value.size() - 1;  // only the closing brace follows
}

// include_usage goes where the caller's own would stand, so that no key ever comes twice.
Edit ask_for_usage(const Call& call) {
  const CallIndex& index = call.index;
  if (index.include_usage_value) return {*index.include_usage_value, "true"};
  if (!index.stream_options) return insertion(index.first_member.offset, R"("stream_options":{"include_usage":true},)");
  const Span span = *index.stream_options;
  const auto value = std::string_view(*call.body).substr(span.offset, span.length);
  if (value.front() != '{') return {span, R"({"include_usage":true})"};  // null
  return insertion(span.offset + 1, empty_object(value) ? R"("include_usage":true)" : R"("include_usage":true,)");
}

// A stored answer could not be fetched through here, so no provider is asked to keep one.
Edit store_nothing(const Call& call) {
  if (call.index.store) return {*call.index.store, "false"};
  return insertion(call.index.first_member.offset, R"("store":false,)");
}

}  // namespace

std::string splice(std::string_view body, std::vector<Edit> edits) {
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    return a.span.offset != b.span.offset ? a.span.offset < b.span.offset : a.span.length < b.span.length;
  });
  std::size_t size = body.size();
  for (const Edit& edit : edits) size += edit.replacement.size() - edit.span.length;
  std::string out;
  out.reserve(size);
  std::size_t copied = 0;
  for (const Edit& edit : edits) {
    out.append(body, copied, edit.span.offset - copied);
    out += edit.replacement;
    copied = edit.span.end();
  }
  out.append(body, copied);
  return out;
}

std::vector<Edit> upstream_edits(const Call& call, std::string_view upstream_model, bool ask_usage) {
  std::vector<Edit> edits;
  if (model_in_path(call.api)) return edits;
  if (call.index.model.length == 0)
    edits.push_back(insertion(call.index.first_member.offset, "\"model\":" + quoted(upstream_model) + ","));
  else if (call.index.model_name != upstream_model)
    edits.push_back({call.index.model, quoted(upstream_model)});
  if (ask_usage && call.index.stream && !call.index.include_usage) edits.push_back(ask_for_usage(call));
  if (call.api == Api::responses) edits.push_back(store_nothing(call));
  return edits;
}

}  // namespace tollgate::providers
