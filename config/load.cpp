#include "config/load.h"

#include <algorithm>
#include <set>

#include "config/assemble.h"
#include "config/document.h"
#include "config/files.h"
#include "config/format.h"

namespace tollgate::config {
namespace {

namespace fs = std::filesystem;

// One run of load().
class Loader {
 public:
  Loader(const fs::path& main_file, const LoadOptions& options)
      : main_(fs::absolute(main_file, ignored_).lexically_normal()), base_(main_.parent_path()), options_(options) {
    session_.offline = options.offline;
  }

  LoadResult run() {
    read(main_, main_fields);
    if (session_.incomplete) return {nullptr, std::move(session_.problems)};
    includes();
    auto snapshot = assemble(std::move(draft_), session_, base_, options_.previous);
    if (!session_.problems.empty()) snapshot = nullptr;
    if (session_.problems.size() >= kMaxProblems)
      fail(display_name(main_, base_), "there are more problems than these");
    return {std::move(snapshot), std::move(session_.problems)};
  }

 private:
  // A file as a whole.
  void fail(const std::string& name, std::string message) {
    session_.incomplete = true;
    session_.problems.push_back({name, 0, "", std::move(message)});
  }

  void read(const fs::path& path, void (*fields)(Object&, Draft&)) {
    const Source source{display_name(path, base_), path.parent_path()};
    const auto file = read_file(path, kMaxFileBytes);
    // Which file is meant is in doubt here: with its whole path.
    if (!file) return fail(path == main_ ? path.string() : source.name, file.error().message);
    total_bytes_ += file->bytes.size();
    const auto root = parse_yaml(file->bytes, source.name, session_.problems);
    if (!root) {
      session_.incomplete = true;
      return;
    }
    if (root->kind == Node::Kind::null) return fail(source.name, "is empty");
    if (root->kind != Node::Kind::mapping) return fail(source.name, "expected a mapping (key: value)");
    read_mapping(session_, source, *root, "", [&](Object& o) { fields(o, draft_); });
  }

  void includes() {
    std::set<fs::path> seen{fs::canonical(main_, ignored_)};
    for (const std::string& pattern : draft_.include) {
      const auto files = expand_include(base_, pattern);
      if (!files) {
        session_.incomplete = true;
        session_.problem(draft_.include_where, files.error().message);
        continue;
      }
      for (const fs::path& file : *files) {
        std::error_code error;
        const fs::path real = fs::canonical(file, error);
        if (!error && !seen.insert(real).second) continue;  // named twice
        include(file);
        if (seen.size() > kMaxFiles) return fail("", "more than 10000 files are included");
        if (total_bytes_ > kMaxTotalBytes) return fail("", "the included files are larger than 64 MiB together");
      }
    }
  }

  // The nearest directory with the name of a kind decides.
  void include(const fs::path& file) {
    for (fs::path up = file.parent_path(); !up.empty() && up != up.parent_path(); up = up.parent_path()) {
      for (const PartKind& kind : part_kinds()) {
        if (up.filename() == kind.directory) return read(file, kind.read);
      }
      if (up == base_) break;
    }
    fail(display_name(file, base_),
         "lies in none of the directories providers, models, departments and policies, which say what a file holds");
  }

  std::error_code ignored_;
  fs::path main_;
  fs::path base_;
  const LoadOptions& options_;
  Session session_;
  Draft draft_;
  std::size_t total_bytes_ = 0;
};

}  // namespace

std::string Problem::to_string() const {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line);
  if (!path.empty()) text += " " + path;
  return text + ": " + message;
}

LoadResult load(const std::filesystem::path& main_file, const LoadOptions& options) {
  return Loader(main_file, options).run();
}

std::string json_schema() {
  Shape root;
  Object object(root);
  Draft scratch;
  main_fields(object, scratch);
  std::vector<Shape> definitions;
  for (const PartKind& kind : part_kinds()) {
    Shape part;
    part.definition = kind.definition;
    Object fields(part);
    kind.read(fields, scratch);
    definitions.push_back(std::move(part));
  }
  return render_schema(root, definitions);
}

}  // namespace tollgate::config
