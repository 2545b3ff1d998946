#include "providers/bedrock_content.h"

#include <algorithm>

namespace tollgate::providers {
namespace {

using Part = CanonicalPart;
using Kind = CanonicalPart::Kind;
using Format = std::pair<std::string_view, std::string_view>;

constexpr Format kImages[] = {
    {"image/jpeg", "jpeg"}, {"image/png", "png"}, {"image/gif", "gif"}, {"image/webp", "webp"}};
constexpr Format kDocuments[] = {{"application/pdf", "pdf"},
                                 {"text/csv", "csv"},
                                 {"application/msword", "doc"},
                                 {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
                                 {"application/vnd.ms-excel", "xls"},
                                 {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
                                 {"text/html", "html"},
                                 {"text/plain", "txt"},
                                 {"text/markdown", "md"}};

template <std::size_t N>
std::string_view format_of(const Format (&table)[N], std::string_view media_type) {
  for (const auto& [type, format] : table)
    if (type == media_type) return format;
  return {};
}

// s3://bucket/key.png, for which nobody said a type.
std::string_view type_by_name(std::string_view url) {
  for (const auto& table :
       {Format{"image/jpeg", ".jpg"}, Format{"image/jpeg", ".jpeg"}, Format{"image/png", ".png"},
        Format{"image/gif", ".gif"}, Format{"image/webp", ".webp"}, Format{"application/pdf", ".pdf"}})
    if (url.ends_with(table.second)) return table.first;
  return {};
}

bool from_s3(const Part& part) { return part.url.starts_with("s3://"); }

std::string_view media_type(const Part& part) {
  return part.url.empty() ? std::string_view(part.media_type) : type_by_name(part.url);
}

bool has(const Turn& turn, Kind kind) {
  return std::any_of(turn.parts.begin(), turn.parts.end(), [kind](const Part& part) { return part.kind == kind; });
}

}  // namespace

std::string document_media_type(std::string_view format) {
  for (const auto& [type, name] : kDocuments)
    if (name == format) return std::string(type);
  return {};
}

void write_cache_point(JsonWriter& out, CacheMark mark) {
  if (mark == CacheMark::none) return;
  out.begin_object();
  out.begin_object("cachePoint");
  out.string("type", "default");
  if (mark == CacheMark::one_hour) out.string("ttl", "1h");
  out.end_object();
  out.end_object();
}

Status ConverseContent::write_messages(const std::vector<Turn>& turns) {
  out_.begin_array("messages");
  for (const Turn& turn : turns) TG_CHECK(write_turn(turn));
  out_.end_array();
  return {};
}

Status ConverseContent::write_turn(const Turn& turn) {
  out_.begin_object();
  out_.string("role", turn.assistant ? "assistant" : "user");
  out_.begin_array("content");
  for (const Part& part : turn.parts) {
    TG_CHECK(write_part(part));
    write_cache_point(out_, part.cache);
  }
  if (has(turn, Kind::file) && !has(turn, Kind::text)) write_text(".");  // a document needs a text beside it
  out_.end_array();
  out_.end_object();
  return {};
}

Status ConverseContent::write_part(const Part& part) {
  switch (part.kind) {
    case Kind::image:
      return write_image(part);
    case Kind::file:
      return write_document(part);
    case Kind::tool_result:
      return write_result(part);
    case Kind::tool_call:
      write_call(part);
      return {};
    case Kind::reasoning:
      write_reasoning(part);
      return {};
    case Kind::audio:
      return cannot_carry("audio");
    case Kind::unknown:
      return cannot_carry("content of type '" + part.name.substr(0, 64) + "'");
    default:
      write_text(part.text);
      return {};
  }
}

void ConverseContent::write_text(std::string_view text) {
  out_.begin_object();
  out_.string("text", text);
  out_.end_object();
}

// Blobs are base64 in JSON.
void ConverseContent::write_source(const Part& part) {
  out_.begin_object("source");
  if (from_s3(part)) {
    out_.begin_object("s3Location");
    out_.string("uri", part.url);
    out_.end_object();
  } else {
    out_.string("bytes", part.data);
  }
  out_.end_object();
}

Status ConverseContent::write_image(const Part& part) {
  const auto format = format_of(kImages, media_type(part));
  if (format.empty() || (!part.url.empty() && !from_s3(part)))
    return cannot_carry("an image other than JPEG, PNG, GIF or WebP, as a data: or s3: URL");
  if (part.detail == "low" || part.detail == "high") note_lossy(lossy_, "messages.content.image_url.detail");
  out_.begin_object();
  out_.begin_object("image");
  out_.string("format", format);
  write_source(part);
  out_.end_object();
  out_.end_object();
  return {};
}

// Names are for the model and have to be unique; a neutral one says nothing that no scanner has read.
Status ConverseContent::write_document(const Part& part) {
  const auto format = format_of(kDocuments, media_type(part));
  if (format.empty() || (!part.url.empty() && !from_s3(part)))
    return cannot_carry("a file other than a PDF, a text or an office document in 'file_data'");
  out_.begin_object();
  out_.begin_object("document");
  out_.string("format", format);
  out_.string("name", "Document " + std::to_string(++documents_));
  write_source(part);
  out_.end_object();
  out_.end_object();
  return {};
}

void ConverseContent::write_call(const Part& part) {
  out_.begin_object();
  out_.begin_object("toolUse");
  out_.string("toolUseId", ids_.wire(part.id));
  out_.string("name", names_.wire(part.name));
  out_.raw("input", part.text);
  out_.end_object();
  out_.end_object();
}

Status ConverseContent::write_result(const Part& part) {
  out_.begin_object();
  out_.begin_object("toolResult");
  out_.string("toolUseId", ids_.wire(part.id));
  out_.begin_array("content");
  for (const Part& inner : part.content)
    if (inner.kind != Kind::text || !inner.text.empty()) TG_CHECK(write_part(inner));
  out_.end_array();
  if (part.failed) out_.string("status", "error");
  out_.end_object();
  out_.end_object();
  return {};
}

void ConverseContent::write_reasoning(const Part& part) {
  out_.begin_object();
  out_.begin_object("reasoningContent");
  if (part.data.empty()) {
    out_.begin_object("reasoningText");
    out_.string("text", part.text);
    out_.string("signature", part.signature);
    out_.end_object();
  } else {
    out_.string("redactedContent", part.data);
  }
  out_.end_object();
  out_.end_object();
}

}  // namespace tollgate::providers
