#pragma once
// What the readers of a request's members share, whatever its API. Internal to providers/.
#include <string>
#include <string_view>
#include <utility>

#include "providers/canonical.h"
#include "providers/json_reader.h"
#include "providers/request_place.h"

namespace tollgate::providers {

inline constexpr int kMaxTools = 1024;  // of a request
inline constexpr int kMaxMessages = 65'536;

struct Reading {
  explicit Reading(std::string_view body) : in(body) {}
  JsonReader in;
  CanonicalRequest out;
  Place place;
  std::size_t parts = 0;  // of all messages so far
};

// The value that begins here is not `wanted`, or is no JSON at all.
Error wrong_type(const Reading& reading, JsonReader::Kind found, std::string_view member, std::string_view wanted);

// A string; null leaves `out` as it is.
Status read_string(Reading& reading, std::string_view member, std::string& out);
Status read_boolean(Reading& reading, std::string_view member, std::optional<bool>& out);
// Numbers from `low` to `high`; null leaves `out` as it is.
Status read_number(Reading& reading, std::string_view member, double low, double high, std::optional<double>& out);
Status read_integer(Reading& reading, std::string_view member, std::int64_t low, std::int64_t high,
                    std::optional<std::int64_t>& out);
// An object's own bytes; null leaves `out` as it is.
Status read_raw_object(Reading& reading, std::string_view member, std::string& out);
// A string of base64's characters, its URL-safe ones included; null leaves `out` as it is. Nothing else goes back to a
// provider as its own signature: it is not a place for text that no scanner reads.
Status read_base64(Reading& reading, std::string_view member, std::string& out);
// "none" to "max", into the request's reasoning_effort.
Status read_effort(Reading& reading, std::string_view member);
// "data:image/png;base64,...." (RFC 2397) becomes media_type and data; anything else stays a URL.
Status read_url(Reading& reading, std::string_view member, CanonicalPart& part);
// {"data":...,"format":"wav"}, which OpenAI's APIs share.
Status read_audio(Reading& reading, CanonicalPart& part);
// Providers of other dialects want an object where OpenAI's APIs have any text that a model wrote: what is none becomes
// the member `wrapper` of one.
std::string argument_object(std::string text, std::string_view wrapper, std::vector<std::string>& lossy);
// {"type":"ephemeral","ttl":"5m"|"1h"}
Status read_cache_mark(Reading& reading, CacheMark& out);

// Walks the members of the object that begins here: `member(key)` consumes one value. Other kinds are refused.
template <class Member>
Status read_object(Reading& reading, std::string_view name, Member&& member) {
  const auto kind = reading.in.peek();
  if (kind != JsonReader::Kind::object) return wrong_type(reading, kind, name, "an object");
  reading.in.enter_object();
  while (reading.in.next_member()) {
    const std::string key(reading.in.key());
    TG_CHECK(member(key));
  }
  return {};
}

template <class Element>
Status read_array(Reading& reading, std::string_view name, Element&& element) {
  const auto kind = reading.in.peek();
  if (kind != JsonReader::Kind::array) return wrong_type(reading, kind, name, "an array");
  reading.in.enter_array();
  while (reading.in.next_element()) TG_CHECK(element());
  return {};
}

Error too_long(std::string_view list, int limit);

// A list of the request's own, at most `limit` elements long; refusals name the element.
template <class Element>
Status read_list(Reading& reading, std::string_view name, int limit, Element&& element) {
  const Place outer = std::exchange(reading.place, Place{.list = name});
  TG_CHECK(read_array(reading, name, [&]() -> Status {
    if (++reading.place.item == limit) return too_long(name, limit);
    return element();
  }));
  reading.place = outer;
  return {};
}

// A list inside an element of such a list.
template <class Element>
Status read_inner_list(Reading& reading, std::string_view name, Element&& element) {
  const Place outer = reading.place;
  reading.place.inner = name;
  TG_CHECK(read_array(reading, name, [&] {
    ++reading.place.inner_item;
    return element();
  }));
  reading.place = outer;
  return {};
}

Status read_nothing_more(Reading& reading);

// The whole request: one object, and nothing after it.
template <class Member>
Status read_request(Reading& reading, Member&& member) {
  TG_CHECK(read_object(reading, "", std::forward<Member>(member)));
  return read_nothing_more(reading);
}

// A value nobody needs.
inline Status skip_value(Reading& reading) {
  reading.in.skip();
  return {};
}

// The members of the same names.
Status read_messages(Reading& reading);
Status read_tools(Reading& reading, bool legacy);        // tools, functions
Status read_tool_choice(Reading& reading, bool legacy);  // tool_choice, function_call
Status read_response_format(Reading& reading);

}  // namespace tollgate::providers
