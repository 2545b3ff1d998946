#include "providers/kept_objects.h"

#include <utility>
#include <vector>

#include "providers/chat_usage.h"
#include "providers/provider_fault.h"
#include "providers/request_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::string_view kOwner = "tollgate_owner";  // in a batch's metadata

std::string filename_mark(const KeptNames& names) { return "tg-" + names.owner + "-"; }

std::string escaped(std::string_view text) {
  std::string out;
  append_json_escaped(out, text);
  return out;
}

// One object of a provider: what has to change in it.
class ObjectWalk {
 public:
  ObjectWalk(Kept what, JsonReader& reader, const KeptNames& names) : what_(what), in_(reader), names_(names) {}

  // REQUIRES: an object is next. Leaves the reader after it.
  void run() {
    const std::uint32_t begin = in_.offset();
    in_.enter_object();
    while (in_.next_member()) member(in_.key());
    whole_ = {begin, in_.offset() - begin};
  }

  bool owned() const { return owned_; }
  const std::string& id() const { return id_; }  // the provider's

  // REQUIRES: run() was, and the reader is ok
  std::string text() const {
    std::vector<Edit> edits = edits_;
    for (Edit& edit : edits) edit.span.offset -= whole_.offset;
    return splice(in_.view(whole_), std::move(edits));
  }

 private:
  void member(std::string_view key) {
    const bool file = what_ == Kept::file;
    if (key == "id")
      rename(what_, &id_);
    else if (!file && (key == "input_file_id" || key == "output_file_id" || key == "error_file_id"))
      rename(Kept::file, nullptr);
    else if (file && key == "filename")
      filename();
    else if (!file && key == "metadata" && in_.peek() == Kind::object)
      metadata();
    else
      in_.skip();
  }

  void rename(Kept what, std::string* id) {
    if (in_.peek() != Kind::string) {
      in_.skip();
      return;
    }
    const JsonString string = in_.string();
    const std::string name = in_.decode(string);
    if (name.empty()) return;
    edits_.push_back({string.inside, names_.ours(what, name)});
    if (id != nullptr) *id = name;
  }

  void filename() {
    if (in_.peek() != Kind::string) {
      in_.skip();
      return;
    }
    const JsonString string = in_.string();
    const std::string name = in_.decode(string);
    const std::string mark = filename_mark(names_);
    if (!name.starts_with(mark)) return;
    owned_ = true;
    edits_.push_back({string.inside, escaped(std::string_view(name).substr(mark.size()))});
  }

  void metadata() {
    in_.enter_object();
    while (in_.next_member()) {
      const bool mark = in_.key() == kOwner;
      const std::uint32_t key = in_.key_offset();
      const auto comma = in_.comma_before();
      const std::string_view value = in_.view(in_.skip());
      if (!mark) continue;
      owned_ = value == "\"" + names_.owner + "\"";
      // With the comma before it, or as the first member with the one after it.
      const std::uint32_t first = comma.value_or(key);
      edits_.push_back({{first, (comma ? in_.offset() : in_.after_comma()) - first}, {}});
    }
  }

  Kept what_;
  JsonReader& in_;
  const KeptNames& names_;
  std::vector<Edit> edits_;
  Span whole_;
  std::string id_;
  bool owned_ = false;
};

// The list's own members but `data` are written anew.
void read_page(Kept what, JsonReader& in, const KeptNames& names, KeptList& out) {
  in.enter_array();
  while (in.next_element()) {
    if (in.peek() != Kind::object) {
      in.skip();
      continue;
    }
    ObjectWalk object(what, in, names);
    object.run();
    if (!in.ok()) return;
    out.cursor = object.id();
    if (!object.owned() || object.id().empty()) continue;
    out.last = names.ours(what, object.id());
    if (out.count++ == 0) out.first = out.last;
    out.objects += (out.objects.empty() ? "" : ",") + object.text();
  }
}

class OrderWalk {
 public:
  OrderWalk(const std::string& body, const KeptNames& names) : in_(body), names_(names) {}

  Result<BatchOrder> run() {
    const auto take = [this](std::string_view key) { return member(key); };
    const bool good = in_.whole(take) && (!out_.input_file.empty() || in_.missing("input_file_id"));
    if (!good) return in_.why();
    if (!marked_) out_.mark = {in_.index.first_member, R"("metadata":{)" + mark() + "},"};
    out_.call.index = std::move(in_.index);
    return std::move(out_);
  }

 private:
  std::string mark() const { return "\"" + std::string(kOwner) + "\":\"" + names_.owner + "\""; }

  bool member(std::string_view key) {
    if (key == "input_file_id") return input_file();
    if (key == "metadata") return metadata();
    if (key == "endpoint" || key == "completion_window" || key == "output_expires_after") return in_.skip();
    return in_.all_texts(Role::other);
  }

  bool input_file() {
    if (in_.json.peek() != Kind::string) return in_.wrong_type("input_file_id", "a string");
    const JsonString string = in_.json.string();
    out_.input_file = in_.json.decode(string);
    out_.input_file_at = string.inside;
    return in_.json.ok();
  }

  bool metadata() {
    marked_ = true;
    in_.json.peek();  // passes over white space
    const std::uint32_t begin = in_.json.offset();
    if (in_.json.null()) {
      out_.mark = {{begin, in_.json.offset() - begin}, "{" + mark() + "}"};
      return true;
    }
    bool empty = true;
    const bool good = in_.object_of("metadata", [&](std::string_view key) {
      empty = false;
      if (key == kOwner)
        return in_.refuse("invalid_value", "metadata", "The key '" + std::string(kOwner) + "' is the gateway's own.");
      return in_.all_texts(Role::other);
    });
    out_.mark = {{begin + 1, 0}, mark() + (empty ? "" : ",")};
    return good;
  }

  RequestReader in_;
  const KeptNames& names_;
  BatchOrder out_;
  bool marked_ = false;
};

}  // namespace

std::string marked_filename(const KeptNames& names, std::string_view filename) {
  return filename_mark(names) + std::string(filename);
}

Result<std::string> rename_object(Kept what, std::string_view body, const KeptNames& names) {
  JsonReader in(body);
  if (!valid_utf8(body) || in.peek() != Kind::object) return upstream_garbage();
  ObjectWalk object(what, in, names);
  object.run();
  if (!in.at_end() || object.id().empty()) return upstream_garbage();
  return object.text();
}

Result<KeptList> rename_list(Kept what, std::string_view body, const KeptNames& names) {
  JsonReader in(body);
  if (!valid_utf8(body) || in.peek() != Kind::object) return upstream_garbage();
  KeptList out;
  in.enter_object();
  while (in.next_member()) {
    const std::string_view key = in.key();
    if (key == "data" && in.peek() == Kind::array)
      read_page(what, in, names, out);
    else if (key == "has_more" && in.peek() == Kind::boolean)
      out.more = in.boolean();
    else
      in.skip();
  }
  if (!in.at_end()) return upstream_garbage();
  return out;
}

EndedBatch read_ended_batch(std::string_view body) {
  EndedBatch out;
  JsonReader in(body);
  walk_object(in, [&](std::string_view key) {
    if (key == "output_file_id")
      read_text(in, out.output_file);
    else if (key == "model")
      read_text(in, out.total.model);
    else if (key == "usage" && in.peek() == Kind::object)
      out.total.usage = read_usage(in);
    else
      in.skip();
  });
  return out;
}

Result<BatchOrder> read_batch_order(std::shared_ptr<const std::string> body, const KeptNames& names) {
  TG_CHECK(readable(*body));
  TG_TRY(BatchOrder out, OrderWalk(*body, names).run());
  out.call.api = Api::batches;
  out.call.body = std::move(body);
  return out;
}

}  // namespace tollgate::providers
