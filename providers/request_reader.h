#pragma once
// What each step of the walk over a request needs: a strict reader, an index to fill, and refusals that name the place.
// Internal to providers/.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "providers/json_reader.h"
#include "providers/key_stack.h"
#include "providers/request_place.h"

namespace tollgate::providers {

// Every step that returns a bool returns false once the request is refused or is found to be no JSON, for good; why()
// then says what to tell the caller. The methods that take a `member` name it in their refusals, relative to `place`.
class RequestReader {
 public:
  using Kind = JsonReader::Kind;

  static constexpr std::size_t kMaxTexts = 262'144;  // bounds the index of a body that is nothing but short strings

  explicit RequestReader(std::string_view body) : json(body) {}

  JsonReader json;
  CallIndex index;
  Place place;

  // --- the whole ---

  // The request: one object whose members `take(key)` consumes, and nothing after it.
  template <class Take>
  bool whole(const Take& take);
  // The model was named, here or in the path.
  bool names_model(bool elsewhere) { return index.model.length > 0 || elsewhere || missing("model"); }

  // --- members that most APIs have ---

  bool model();
  // The largest of several counts.
  bool max_tokens(const std::string& name);
  bool number_of_choices();
  bool stream_options();
  // Options of a stream come with a stream. To be asked at the end.
  bool stream_options_apply();

  // --- values ---

  // Any value, checked and left alone.
  bool skip();
  // Walks one object, which consumes each member's value: `take(key)`. A key that comes twice is refused.
  template <class Take>
  bool object(std::string_view member, const Take& take);
  // The same for the value of a named member, which refusals then name as the place.
  template <class Take>
  bool object_of(std::string_view name, const Take& take);
  // The elements of an array, which `take()` consumes one by one. REQUIRES: an array is next
  template <class Take>
  bool elements(const Take& take);
  // The same of a list of the request's own, and of one inside an element of such a list: refusals name the element.
  template <class Take>
  bool list(std::string_view name, const Take& take);
  template <class Take>
  bool inner_list(std::string_view name, const Take& take);
  // A list with something in it: `item` says in one word of what.
  template <class Take>
  bool filled_list(std::string_view name, std::string_view item, const Take& take);
  bool boolean(std::string_view member, bool& value);
  // null leaves `out` as it is.
  bool integer(const std::string& member, std::int64_t max, std::optional<std::int64_t>& out);

  // --- what policy looks at ---

  // REQUIRES: a string is next
  bool text(Role role = Role::user, bool json_inside = false);
  // The same for a string that has been read already.
  bool note(const JsonString& string, Role role, bool json_inside = false);
  // Indexed when it is a string; anything else is the provider's to judge, and counts as unread.
  bool optional_text(Role role = Role::user, bool json_inside = false);
  // Every string in any value, however deep. Keys are left alone: what comes back is read by them.
  bool all_texts(Role role);
  // The texts since `first` that seemed a user's are of `role`; a tool's results stay the tool's.
  void give_role(Role role, std::size_t first);
  // Something no scanner reads.
  bool opaque();
  // What a provider wrote for itself; anything but base64 is somebody's text.
  bool sealed();

  // --- refusals ---

  bool refuse(std::string code, std::string param, std::string message);
  bool wrong_type(std::string_view member, std::string_view wanted);
  bool missing(std::string_view member);
  Error why() const;  // REQUIRES: a step returned false

 private:
  bool begin();
  bool ended();
  bool fresh_key(std::string_view object);
  bool stream_option(std::string_view key);

  KeyStack keys_;
  bool old_cap_ = false;  // max_tokens was there
  std::optional<Error> error_;
};

template <class Take>
bool RequestReader::object(std::string_view member, const Take& take) {
  if (json.peek() != Kind::object) return wrong_type(member, "an object");
  KeyStack::Scope scope(keys_);
  json.enter_object();
  while (json.next_member()) {
    if (!fresh_key(member)) return false;
    if (!take(json.key())) return false;
  }
  return json.ok();
}

template <class Take>
bool RequestReader::object_of(std::string_view name, const Take& take) {
  const std::string_view outer = std::exchange(place.object, name);
  const bool good = object("", take);
  place.object = outer;
  return good;
}

template <class Take>
bool RequestReader::elements(const Take& take) {
  json.enter_array();
  while (json.next_element())
    if (!take()) return false;
  return json.ok();
}

template <class Take>
bool RequestReader::list(std::string_view name, const Take& take) {
  place = {.list = name};
  const bool good = elements([&] {
    ++place.item;
    return take();
  });
  place = {};
  return good;
}

template <class Take>
bool RequestReader::inner_list(std::string_view name, const Take& take) {
  const Place outer = place;
  place.inner = name;
  const bool good = elements([&] {
    ++place.inner_item;
    return take();
  });
  place = outer;
  return good;
}

template <class Take>
bool RequestReader::filled_list(std::string_view name, std::string_view item, const Take& take) {
  if (json.peek() != Kind::array) return wrong_type(name, "an array of objects");
  bool any = false;
  const bool good = list(name, [&] {
    any = true;
    return take();
  });
  if (!good || any) return good;
  return refuse("empty_array", std::string(name),
                "'" + std::string(name) + "' is empty: send at least one " + std::string(item) + ".");
}

template <class Take>
bool RequestReader::whole(const Take& take) {
  return begin() && object("", take) && ended();
}

// What no request may be: too large to be indexed, or not UTF-8.
Status readable(std::string_view body);

// A call of `api`: `Walk(body, model_elsewhere).run()` gives the index.
template <class Walk>
Result<Call> decode_request(Api api, std::shared_ptr<const std::string> body, std::string path_model) {
  TG_CHECK(readable(*body));
  Walk walk(*body, !path_model.empty());
  TG_TRY(auto index, walk.run());
  Call call;
  call.api = api;
  call.body = std::move(body);
  call.index = std::move(index);
  call.model = path_model.empty() ? call.index.model_name : std::move(path_model);
  return call;
}

}  // namespace tollgate::providers
