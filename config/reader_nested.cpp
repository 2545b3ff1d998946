// Mappings, lists, and what lies in other files.
#include <algorithm>

#include "config/files.h"
#include "config/reader.h"
#include "config/scalars.h"
#include "config/secrets.h"

namespace tollgate::config {
namespace {

const TextRule kPath{"a path", "", [](std::string_view text) { return !text.empty() && text.size() <= 4096; }};
bool accepts_variable(std::string_view text) {
  const auto part = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= 256 && part(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return part(c) || digit(c); });
}

const TextRule kVariable{"the name of an environment variable", "^[A-Za-z_][A-Za-z0-9_]*$", accepts_variable};
const TextRule kSealed{"what `tollgate secret seal` prints", "^v1:[A-Za-z0-9+/=]+$",
                       [](std::string_view text) { return text.starts_with("v1:"); }};

Shape path_shape() {
  Shape shape;
  shape.kind = Shape::Kind::text;
  return shape;
}

struct SecretSource {
  std::string file;
  std::string env;
  std::string sealed;
};

void secret_fields(Object& o, bool master, SecretSource& out) {
  o.text("file", out.file, kPath,
         {.doc = "A file that only its owner and group may read; line ends at its end do not count"});
  o.text("env", out.env, kVariable, {.doc = "An environment variable"});
  if (!master) o.text("sealed", out.sealed, kSealed, {.doc = "Text sealed with the master key"});
}

Shape secret_shape(bool master) {
  Shape fields;
  SecretSource scratch;
  Object o(fields);
  secret_fields(o, master, scratch);
  fields.exactly_one = true;
  return fields;
}

// In demo mode a secret may also stand there as it is.
Shape secret_or_literal_shape() {
  Shape literal;
  literal.kind = Shape::Kind::text;
  literal.description = "Only with demo: true";
  Shape either;
  either.kind = Shape::Kind::any_of;
  either.inner = {secret_shape(false), literal};
  return either;
}

Result<Secret> fetch(const SecretSource& from, bool master, const Secret* master_key) {
  if (!from.file.empty()) return master ? read_master_key_file(from.file) : read_secret_file(from.file);
  if (!from.env.empty()) {
    TG_TRY(Secret value, read_secret_env(from.env));
    return master ? parse_master_key(value.reveal()) : Result<Secret>(std::move(value));
  }
  if (master_key == nullptr) return Error{ErrorKind::invalid_request, "needs the master key"};
  return unseal(*master_key, from.sealed);
}

std::string explain(const SecretSource& from, bool master, const std::string& why) {
  if (!from.env.empty()) return "environment variable " + from.env + " " + why;
  if (from.file.empty()) return "the sealed text " + why;
  std::string message = "file " + from.file + " " + why;
  if (master && why == "does not exist") {
    message += "; make one with: (umask 077; openssl rand -hex 32 > " + from.file + ")";
  }
  return message;
}

}  // namespace

std::filesystem::path Object::resolve(std::string_view text) const {
  return (source_->directory / std::filesystem::path(text)).lexically_normal();
}

void Object::path(std::string_view name, std::filesystem::path& out, const About& about) {
  const Member* member = take(name, about, path_shape);
  if (member == nullptr) return;
  if (auto value = plain_text(member->value, path_of(name), kPath)) out = resolve(*value);
}

void Object::file_text(std::string_view name, std::string& out, const About& about) {
  std::filesystem::path file;
  path(name, file, about);
  if (file.empty()) return;
  auto content = read_file(file, kMaxFileBytes);
  if (!content) return problem(name, "file " + file.string() + " " + content.error().message);
  out = std::move(content->bytes);
}

void Object::certificate(std::string_view name, std::string& out, const About& about) {
  if (!offline()) return file_text(name, out, about);
  std::filesystem::path unread;
  path(name, unread, about);
}

void Object::secret(std::string_view name, std::shared_ptr<const Secret>& out, const About& about) {
  const Member* member = take(name, about, secret_or_literal_shape);
  if (member != nullptr) secret_from(member->value, path_of(name), false, out);
}

void Object::master_key(std::string_view name, std::shared_ptr<const Secret>& out, const About& about) {
  const Member* member = take(name, about, [] { return secret_shape(true); });
  if (member != nullptr) secret_from(member->value, path_of(name), true, out);
  if (session_ != nullptr) session_->master_key = out;
}

void Object::demo(bool allowed) {
  if (session_ != nullptr) session_->demo = allowed;
}

void Object::secret_from(const Node& node, const std::string& path, bool master, std::shared_ptr<const Secret>& out) {
  if (node.kind == Node::Kind::scalar && session_->demo && !master) {
    out = std::make_shared<const Secret>(node.text);
    return;
  }
  const std::string forms = master ? "{file: …} or {env: …}" : "{file: …}, {env: …} or {sealed: …}";
  if (node.kind == Node::Kind::scalar) return complain(node, path, "a secret is not written here: use " + forms);
  if (node.kind != Node::Kind::mapping || node.members.size() != 1) return complain(node, path, "expected " + forms);
  SecretSource from;
  read_mapping(*session_, *source_, node, path, [&](Object& o) { secret_fields(o, master, from); });
  if (from.file.empty() && from.env.empty() && from.sealed.empty()) return;  // reported
  if (!from.file.empty()) from.file = resolve(from.file).string();
  auto secret = session_->offline ? Result<Secret>(Secret()) : fetch(from, master, session_->master_key.get());
  if (!secret) return complain(node, path, explain(from, master, secret.error().message));
  out = std::make_shared<const Secret>(std::move(*secret));
}

bool Object::object(std::string_view name, const About& about, const Body& body) {
  const Member* member = take(name, about, [&] {
    Shape shape;
    Object inner(shape);
    body(inner);
    return shape;
  });
  if (member != nullptr) read_mapping(*session_, *source_, member->value, path_of(name), body);
  return describing() || member != nullptr;
}

void Object::list(std::string_view name, const About& about, const Body& body, std::string_view definition) {
  const Member* member = take(name, about, [&] {
    Shape item;
    Object inner(item);
    body(inner);
    item.definition = definition;
    Shape shape;
    shape.kind = Shape::Kind::sequence;
    shape.inner.push_back(std::move(item));
    return shape;
  });
  if (member != nullptr) items(member->value, path_of(name), body);
}

void Object::items(const Node& node, const std::string& path, const Body& body) {
  if (node.kind != Node::Kind::sequence) return complain(node, path, "expected a list");
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    read_mapping(*session_, *source_, node.items[i], path + "[" + std::to_string(i) + "]", body);
  }
}

void Object::named(std::string_view name, const About& about, const NamedBody& body) {
  const Member* member = take(name, about, [&] {
    Shape value;
    Object inner(value);
    body("", inner);
    Shape shape;
    shape.inner.push_back(std::move(value));
    return shape;
  });
  if (member == nullptr) return;
  if (member->value.kind != Node::Kind::mapping) {
    return complain(member->value, path_of(name), "expected a mapping of names");
  }
  for (const Member& entry : member->value.members) {
    const std::string path = path_of(name) + "." + printable(entry.key);
    if (!kIdentifier.accepts(entry.key)) {
      complain(entry.value, path, "expected " + std::string(kIdentifier.expected));
      continue;
    }
    read_mapping(*session_, *source_, entry.value, path, [&](Object& o) { body(entry.key, o); });
  }
}

void Object::text_or_list(std::string_view name, std::string& out, const TextRule& rule, const About& about,
                          const Body& body) {
  const Member* member = take(name, about, [&] {
    Shape text;
    text.kind = Shape::Kind::text;
    text.pattern = rule.pattern;
    Shape item;
    Object inner(item);
    body(inner);
    Shape list;
    list.kind = Shape::Kind::sequence;
    list.inner.push_back(std::move(item));
    Shape either;
    either.kind = Shape::Kind::any_of;
    either.inner = {std::move(text), std::move(list)};
    return either;
  });
  if (member == nullptr) return;
  if (member->value.kind == Node::Kind::sequence) return items(member->value, path_of(name), body);
  if (auto value = plain_text(member->value, path_of(name), rule)) out = std::move(*value);
}

void Object::renamed(std::string_view name, Renamed& out, const TextRule& theirs, const TextRule& ours,
                     const About& about) {
  const auto text_shape = [&] {
    Shape text;
    text.kind = Shape::Kind::text;
    text.pattern = ours.pattern;
    return text;
  };
  const Member* member = take(name, about, [&] {
    Shape list;
    list.kind = Shape::Kind::sequence;
    list.inner.push_back(text_shape());
    Shape names;
    names.inner.push_back(text_shape());
    Shape either;
    either.kind = Shape::Kind::any_of;
    either.inner = {std::move(list), std::move(names)};
    return either;
  });
  if (member == nullptr) return;
  if (member->value.kind != Node::Kind::mapping) {
    for (std::string& same : text_items(member->value, path_of(name), ours, std::nullopt)) out.emplace_back(same, same);
    return;
  }
  for (const Member& entry : member->value.members) {
    const std::string path = path_of(name) + "." + printable(entry.key);
    if (!theirs.accepts(entry.key))
      complain(entry.value, path, "expected " + std::string(theirs.expected));
    else if (auto value = plain_text(entry.value, path, ours))
      out.emplace_back(entry.key, std::move(*value));
  }
}

void Object::unsupported(std::string_view name, std::string_view why) {
  if (!has(name)) return;
  refused_.push_back(name);
  problem(name, std::string(why));
}

void Object::exactly_one(std::string_view expected) {
  if (describing()) {
    shape_->exactly_one = true;
  } else if (node_->members.size() != 1) {
    problem("", "needs exactly one of " + std::string(expected));
  }
}

void Object::finish() {
  for (const Member& member : node_->members) {
    const auto is_key = [&](std::string_view name) { return name == member.key; };
    if (std::any_of(known_.begin(), known_.end(), is_key)) continue;
    if (std::any_of(refused_.begin(), refused_.end(), is_key)) continue;
    session_->problem({source_->name, member.line, path_},
                      "unknown key '" + printable(member.key) + "'" + did_you_mean(member.key, known_));
  }
}

void read_mapping(Session& session, const Source& source, const Node& node, const std::string& path,
                  const Object::Body& body) {
  if (node.kind != Node::Kind::mapping) {
    session.problem({source.name, node.line, path}, "expected a mapping (key: value)");
    return;
  }
  Object object(session, source, node, path);
  body(object);
  object.finish();
}

}  // namespace tollgate::config
