#pragma once
// Declarative reading. A format function names each field of a mapping once; with a node behind the Object the fields
// are read and checked, without one they describe themselves (Shape). All problems are collected: nothing stops at the
// first.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/document.h"
#include "config/load.h"
#include "config/schema.h"
#include "gateway/base/secret.h"

namespace tollgate::config {

// A place in a file, for messages that come after reading.
struct Where {
  std::string file;
  int line = 0;
  std::string path;
};

// A name that has to be defined somewhere: checked when everything is read.
struct Reference {
  enum class To : std::uint8_t { provider, model, model_or_group, pii_policy, pii_analyser, department };
  To to = To::provider;
  std::string name;
  Where where;
};

inline constexpr std::size_t kMaxProblems = 1000;

// What one load shares: the problems, and what secrets need.
struct Session {
  bool offline = false;
  bool demo = false;        // literal secrets are allowed
  bool incomplete = false;  // a file could not be read at all: what it defines is unknown
  std::shared_ptr<const Secret> master_key;
  std::vector<Problem> problems;
  std::vector<Reference> references;

  // Beyond kMaxProblems nothing is kept: nobody reads on, and a hostile file could fill the memory.
  void problem(const Where& where, std::string message) {
    if (problems.size() < kMaxProblems) problems.push_back({where.file, where.line, where.path, std::move(message)});
  }
};

// The file being read.
struct Source {
  std::string name;                 // as shown to people
  std::filesystem::path directory;  // relative paths in it start here
};

// What every field says about itself.
struct About {
  std::string_view doc;
  Applies applies = Applies::reload;
  bool required = false;
};

// What a text has to look like. `accepts` decides; `pattern` tells editors the same.
struct TextRule {
  std::string_view expected;  // "a name of letters, digits, '.', '_' and '-'"
  std::string_view pattern;
  bool (*accepts)(std::string_view);
};
extern const TextRule kIdentifier;     // ids: at most 64 of A-Z a-z 0-9 . _ -
extern const TextRule kProviderOrAll;  // an id or "*"
extern const TextRule kModelName;      // also : / @ +, at most 128
extern const TextRule kLine;           // one printable line, at most 256 bytes
extern const TextRule kIpAddress;      // IPv4 or IPv6
extern const TextRule kUrl;            // scheme://…, judged further by its user
extern const TextRule kDate;           // 2026-01-01

template <class T>
struct Range {
  T least;
  T most;
};

class Object {
 public:
  using Body = std::function<void(Object&)>;
  using NamedBody = std::function<void(const std::string& key, Object&)>;

  // Reading. All three must outlive it; `node` has to be a mapping.
  Object(Session& session, const Source& source, const Node& node, std::string path);
  // Describing.
  explicit Object(Shape& shape) : shape_(&shape) {}

  void text(std::string_view name, std::string& out, const TextRule& rule, const About& about);
  void texts(std::string_view name, std::vector<std::string>& out, const TextRule& rule, const About& about);
  void boolean(std::string_view name, bool& out, const About& about);
  void integer(std::string_view name, std::int64_t& out, Range<std::int64_t> range, const About& about);
  void integer(std::string_view name, std::optional<std::int64_t>& out, Range<std::int64_t> range, const About& about);
  template <class T>
  void number(std::string_view name, T& out, Range<std::int64_t> range, const About& about) {
    auto value = static_cast<std::int64_t>(out);
    integer(name, value, range, about);
    out = static_cast<T>(value);
  }
  void decimal(std::string_view name, double& out, Range<std::int64_t> range, const About& about);
  void duration(std::string_view name, std::chrono::milliseconds& out, Range<std::chrono::milliseconds> range,
                const About& about);
  void size(std::string_view name, std::uint64_t& out, Range<std::uint64_t> range, const About& about);
  // Nano-units of USD: the price of a million tokens.
  void price(std::string_view name, std::int64_t& out, const About& about);
  // 2026-01-01 as seconds since the Unix epoch.
  void date(std::string_view name, std::int64_t& out, const About& about);
  // Made absolute against the file's directory.
  void path(std::string_view name, std::filesystem::path& out, const About& about);
  // A path whose content is wanted.
  void file_text(std::string_view name, std::string& out, const About& about);
  // The same, for what need not be there when offline.
  void certificate(std::string_view name, std::string& out, const About& about);
  // {file: …}, {env: …} or {sealed: …}; an empty secret when offline.
  void secret(std::string_view name, std::shared_ptr<const Secret>& out, const About& about);
  // The same, but 32 bytes and never sealed; it opens the sealed secrets read after it.
  void master_key(std::string_view name, std::shared_ptr<const Secret>& out, const About& about);
  void reference(std::string_view name, std::string& out, Reference::To to, const TextRule& rule, const About& about);
  void references(std::string_view name, std::vector<std::string>& out, Reference::To to, const TextRule& rule,
                  const About& about);

  // One of a table of {word, value}.
  template <class E, std::size_t N>
  void choice(std::string_view name, E& out, const std::pair<std::string_view, E> (&table)[N], const About& about) {
    std::vector<std::string_view> words;
    std::size_t at = N;
    for (std::size_t i = 0; i < N; ++i) {
      words.push_back(table[i].first);
      if (table[i].second == out) at = i;
    }
    word(name, at, words, about);
    if (at < N) out = table[at].second;
  }
  template <class E, std::size_t N>
  void choices(std::string_view name, std::vector<E>& out, const std::pair<std::string_view, E> (&table)[N],
               const About& about) {
    std::vector<std::string_view> allowed;
    for (const auto& row : table) allowed.push_back(row.first);
    for (const std::size_t at : words(name, allowed, about)) out.push_back(table[at].second);
  }
  // One word of the table, or a mapping that says more.
  template <class E, std::size_t N>
  void choice_or_object(std::string_view name, E& out, const std::pair<std::string_view, E> (&table)[N],
                        const About& about, const Body& body, std::string_view definition) {
    std::vector<std::string_view> allowed;
    for (const auto& row : table) allowed.push_back(row.first);
    std::size_t at = N;
    word_or_object(name, at, allowed, about, body, definition);
    if (at < N) out = table[at].second;
  }
  void word_or_object(std::string_view name, std::size_t& at, std::span<const std::string_view> allowed,
                      const About& about, const Body& body, std::string_view definition);
  // `at`: index into `allowed`; allowed.size() = none yet.
  void word(std::string_view name, std::size_t& at, std::span<const std::string_view> allowed, const About& about);

  // True when the mapping is there (or being described).
  bool object(std::string_view name, const About& about, const Body& body);
  // `definition`: the schema publishes the item once under this name.
  void list(std::string_view name, const About& about, const Body& body, std::string_view definition = {});
  // A mapping of free names.
  void named(std::string_view name, const About& about, const NamedBody& body);
  // A mapping of free names to lists of references.
  using NamedTexts = std::function<void(const std::string& key, const Where& where, std::vector<std::string> texts)>;
  void named_references(std::string_view name, Reference::To to, const TextRule& rule, const About& about,
                        const NamedTexts& body);
  // Names and what each is called here: a mapping, or a list of those that keep theirs.
  using Renamed = std::vector<std::pair<std::string, std::string>>;
  void renamed(std::string_view name, Renamed& out, const TextRule& theirs, const TextRule& ours, const About& about);
  // A plain text, or a list of mappings.
  void text_or_list(std::string_view name, std::string& out, const TextRule& rule, const About& about,
                    const Body& body);
  // A key people may try: refused with an explanation instead of "unknown key".
  void unsupported(std::string_view name, std::string_view why);

  // Exactly one of the mapping's keys has to be there; `expected` lists them for people.
  void exactly_one(std::string_view expected);

  // Reports keys that no field named. To be called once, at the end of reading a mapping.
  void finish();

  // From here on a secret may be written as it is.
  void demo(bool allowed);

  bool describing() const { return shape_ != nullptr; }
  bool has(std::string_view name) const;                     // reading, and the key is there
  Where where(std::string_view name = {}) const;             // of a field that is there, else of the mapping
  void problem(std::string_view name, std::string message);  // ignored when describing
  bool offline() const { return session_ == nullptr || session_->offline; }

 private:
  // The member of that name; nullptr when there is none, or when describing (then `make` gives its Shape).
  template <class MakeShape>
  const Member* take(std::string_view name, const About& about, MakeShape make) {
    if (shape_ != nullptr) {
      describe(name, make(), about);
      return nullptr;
    }
    return lookup(name, about);
  }
  void describe(std::string_view name, Shape shape, const About& about);
  const Member* lookup(std::string_view name, const About& about);
  std::string path_of(std::string_view name) const;
  Where at(const Node& node, std::string path) const;
  void complain(const Node& node, std::string path, std::string message);
  std::optional<std::string> plain_text(const Node& node, const std::string& path, const TextRule& rule);
  std::optional<std::int64_t> whole_number(const Node& node, const std::string& path, Range<std::int64_t> range);
  std::vector<std::size_t> words(std::string_view name, std::span<const std::string_view> allowed, const About& about);
  std::size_t word_of(const Node& node, const std::string& path, std::span<const std::string_view> allowed);
  void items(const Node& node, const std::string& path, const Body& body);
  std::vector<std::string> text_items(const Node& node, const std::string& path, const TextRule& rule,
                                      std::optional<Reference::To> to);
  void secret_from(const Node& node, const std::string& path, bool master, std::shared_ptr<const Secret>& out);
  std::filesystem::path resolve(std::string_view text) const;

  Shape* shape_ = nullptr;
  Session* session_ = nullptr;
  const Source* source_ = nullptr;
  const Node* node_ = nullptr;
  std::string path_;
  std::vector<std::string_view> known_;
  std::vector<std::string_view> refused_;
};

// Reads `node` as a mapping with `body`, unknown keys included.
void read_mapping(Session& session, const Source& source, const Node& node, const std::string& path,
                  const Object::Body& body);

}  // namespace tollgate::config
