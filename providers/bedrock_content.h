#pragma once
// Turns -> Converse's content blocks. Internal to providers/.
#include <vector>

#include "providers/conversation.h"
#include "providers/json_writer.h"
#include "providers/wire_names.h"

namespace tollgate::providers {

// A block of its own: {"cachePoint":{"type":"default"}}.
void write_cache_point(JsonWriter& out, CacheMark mark);

// The media type of a document's format; empty: not known.
std::string document_media_type(std::string_view format);

class ConverseContent {
 public:
  ConverseContent(JsonWriter& out, WireNames& tool_names, std::vector<std::string>& lossy)
      : out_(out), names_(tool_names), lossy_(lossy) {}

  Status write_messages(const std::vector<Turn>& turns);

 private:
  Status write_turn(const Turn& turn);
  Status write_part(const CanonicalPart& part);
  Status write_image(const CanonicalPart& part);
  Status write_document(const CanonicalPart& part);
  void write_text(std::string_view text);
  void write_call(const CanonicalPart& part);
  Status write_result(const CanonicalPart& part);
  void write_reasoning(const CanonicalPart& part);
  void write_source(const CanonicalPart& part);

  JsonWriter& out_;
  WireNames& names_;
  std::vector<std::string>& lossy_;
  WireNames ids_{NameRule{"_-", 64, false}};
  int documents_ = 0;
};

}  // namespace tollgate::providers
