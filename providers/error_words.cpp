#include "providers/error_words.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// The first complaint of a list of FastAPI's.
void read_first_detail(JsonReader& reader, std::string& out) {
  walk_objects(reader, [&](std::string_view key) {
    if (key == "msg" && out.empty())
      read_text(reader, out);
    else
      reader.skip();
  });
}

void read_message(JsonReader& reader, std::string& out) {
  if (reader.peek() == Kind::array) return read_first_detail(reader, out);
  if (reader.peek() != Kind::object) return read_text(reader, out);
  walk_object(reader, [&](std::string_view key) {
    if (key != "detail")
      reader.skip();
    else if (reader.peek() == Kind::array)
      read_first_detail(reader, out);
    else
      read_text(reader, out);
  });
}

void read_error_member(JsonReader& reader, std::string_view key, ProviderWords& words) {
  // A code may be a status (vLLM, OpenRouter), which TGI tells apart.
  const bool status = key == "code" || key == "http_status_code";
  if (status && reader.peek() == Kind::number) {
    words.status = reader.integer().value_or(0);
    return;
  }
  if (key == "message") return read_message(reader, words.message);
  if (key == "code") return read_text(reader, words.code);
  if (key == "type") return read_text(reader, words.type);
  if (key == "param") return read_text(reader, words.param);
  reader.skip();
}

void read_body_members(JsonReader& reader, ErrorBody& body) {
  walk_object(reader, [&](std::string_view key) {
    if (key == "error")
      body.members = read_error(reader, body.words);
    else if (key == "message" || key == "detail")
      read_message(reader, body.words.message);
    else if (key == "code")
      read_text(reader, body.words.code);
    else
      reader.skip();
  });
}

}  // namespace

int read_error(JsonReader& reader, ProviderWords& words) {
  if (reader.peek() != Kind::object) {
    read_message(reader, words.message);
    return 0;
  }
  int members = 0;
  walk_object(reader, [&](std::string_view key) {
    const bool one_of_four = key == "message" || key == "type" || key == "code" || key == "param";
    const bool sayable = reader.peek() == Kind::string || reader.peek() == Kind::null;
    members += one_of_four && sayable ? 1 : 0;
    read_error_member(reader, key, words);
  });
  return members;
}

ErrorBody read_error_body(std::string_view body) {
  if (!valid_utf8(body)) return {};
  JsonReader reader(body);
  ErrorBody out;
  const bool listed = reader.peek() == Kind::array;
  if (listed) reader.enter_array();
  if (listed && !reader.next_element()) return {};
  if (reader.peek() != Kind::object) return {};
  read_body_members(reader, out);
  while (listed && reader.next_element()) reader.skip();
  if (listed) out.members = 0;
  return reader.at_end() ? out : ErrorBody{};
}

}  // namespace tollgate::providers
