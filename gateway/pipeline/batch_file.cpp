#include "gateway/pipeline/batch_file.h"

#include <utility>

#include "gateway/pipeline/kept.h"

namespace tollgate::pipeline {
namespace {

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

Result<std::string> BatchFile::filename(std::string name) {
  TG_TRY(const std::string scrubbed, screen_text(services_, view_, who_, policies_, std::move(name), found_));
  return providers::marked_filename(kept_names(services_, who_, {}), scrubbed);
}

// A file for any other purpose is something that no scanner reads, and no API here could name it.
Status BatchFile::check_field(std::string_view name, std::string_view value) {
  if (name != "purpose" || value == "batch") return {};
  return invalid_value("purpose",
                       "Files are taken for batches only: 'purpose' must be batch. Send documents inside the messages.",
                       "unsupported_value");
}

Error BatchFile::at_line(Error error) const {
  error.message = "Line " + std::to_string(line_) + ": " + error.message;
  return error;
}

Error BatchFile::too_long() const {
  return invalid_value("file", "Line " + std::to_string(line_ + 1) + " is longer than 8 MiB.");
}

Result<std::optional<std::string>> BatchFile::model_of(std::string_view line) {
  if (blank(line)) {
    ++line_;
    return std::optional<std::string>();
  }
  auto read = providers::read_batch_line(line);
  if (!read) {
    ++line_;
    return at_line(std::move(read).error());
  }
  model_ = read->call.model;
  return std::optional(model_);
}

Result<std::string> BatchFile::rewrite(std::string_view line, const std::string& upstream_model) {
  ++line_;
  if (blank(line)) return std::string();
  auto read = providers::read_batch_line(line);
  if (!read) return at_line(std::move(read).error());
  if (read->call.model != model_)
    return at_line(invalid_value("body.model", "A file is for one model: this call names another than the first."));
  TG_CHECK(check_id(read->custom_id));
  Screened screened = screen(services_, view_, who_, policies_, read->call, {});
  auto edits = std::move(screened.edits);
  TG_CHECK(add(std::move(screened)));
  for (auto& edit : providers::upstream_edits(read->call, upstream_model)) edits.push_back(std::move(edit));
  return providers::write_batch_line(*read, providers::splice(*read->call.body, std::move(edits))) + "\n";
}

// The answer is found by it, so it has to come back as it was.
Status BatchFile::check_id(const std::string& custom_id) {
  auto scrubbed = screen_text(services_, view_, who_, policies_, custom_id, found_);
  if (!scrubbed) return at_line(std::move(scrubbed).error());
  if (*scrubbed == custom_id) return {};
  return at_line(invalid_value("custom_id", "'custom_id' holds personal data, which may not leave. Choose another."));
}

Status BatchFile::add(Screened screened) {
  for (const auto& [type, action, count] : screened.pii.counts.entries())
    for (std::int64_t i = 0; i < count; ++i) found_.pii.counts.add(type, action);
  for (auto& one : screened.pii.audit)
    if (found_.pii.audit.size() < pii::kMostAudited) found_.pii.audit.push_back(std::move(one));
  found_.rule_pack = screened.rule_pack;
  if (screened.refusal) return at_line(*std::move(screened.refusal));
  const bool insiders = screened.pii.local_only || screened.opaque_local_only;
  if (!insiders || found_.opaque_local_only) return {};
  return at_line({.kind = ErrorKind::permission_denied,
                  .message = "it holds what only models that run in-house may see. Remove it.",
                  .code = "pii_local_only",
                  .retryable = false});
}

}  // namespace tollgate::pipeline
